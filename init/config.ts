import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import { IDENTITY_CONTAINERS_LIMIT } from "../common/labels.ts";
import { PORTS } from "../common/ports.ts";
import { isContainerName } from "../common/preamble.ts";

const port = z.int().min(1).max(65_535);
const address = z.string().refine((text) => isIPv4(text) || (isIPv6(text) && !text.includes("%")), "must be an IPv4 or IPv6 address without a zone");
/** Flags and variables are text: parts between commas. */
const list = <Part extends z.ZodType>(part: Part) =>
  z.preprocess((value) => (typeof value === "string" ? value.split(",").map((text) => text.trim()).filter((text) => text !== "") : value), z.array(part));
const addressList = list(address);

const uid = z.int().min(1).max(2 ** 31 - 1);
const container = z.preprocess(readContainer, z.strictObject({
  name: z.string().refine(isContainerName, "must be a DNS label"),
  uid,
}));

const trustSettings = {
  caPem: z.string().max(65_536).optional().describe("The boundary's CA certificate, PEM. Given: files by which every runtime trusts it are written."),
  trustDirectory: z.string().startsWith("/").default("/weir/trust").describe("Folder for these files, which containers see under the same path."),
  extraCaFiles: list(z.string().startsWith("/")).default([]).describe("PEM files of further roots, comma-separated, for destinations that are not intercepted."),
};

const podConfig = z.strictObject({
  mode: z.literal("pod").describe("A network namespace with a device that leads to the node."),
  nodeAddresses: addressList.refine(atMostOneOfEach, "must be one IPv4 address, one IPv6 address, or one of each")
    .describe("Addresses of the node proxy or of its service, comma-separated: the only ones that can be reached."),
  proxyPort: port.default(PORTS.proxy).describe("TCP port of the node proxy on these addresses."),
  sidecarUid: uid.optional().describe("Uid of the sidecar: nobody else may dial the node proxy. Absent: everybody may, and is refused there without a token."),
  containers: list(container).refine(isDistinct, `must be at most ${IDENTITY_CONTAINERS_LIMIT} containers, each with a name and a uid of its own`).default([])
    .describe("Containers with an identity of their own, `name:uid`, comma-separated; the sidecar must have the same names at the same places."),
  inbound: z.enum(["none", "listed", "any"]).default("listed")
    .describe("Who may open connections into the pod: nobody, the addresses of `inboundFrom`, or anybody (TCP alone). Answers leave on these connections, nothing new does."),
  inboundFrom: addressList.default([]).describe("Addresses that may open connections into the pod (kubelet probes come from the node), comma-separated."),
  sidecarTcpPort: port.default(PORTS.sidecarTcp).describe("Loopback TCP port of the sidecar."),
  sidecarDnsPort: port.default(PORTS.sidecarDns).describe("Loopback UDP port of the sidecar."),
  onlyAt: addressList.default([]).describe("Addresses that the namespace must have, comma-separated; otherwise no rule is written. For whoever comes from outside of it."),
  neverAt: addressList.default([]).describe("Addresses of the node, comma-separated: where one of them is, no rule is written."),
  ...trustSettings,
});

const trustConfig = z.strictObject({
  mode: z.literal("trust").describe("Nothing but the trust files: somebody else writes the rules."),
  ...trustSettings,
  caPem: trustSettings.caPem.unwrap(),
});

const localConfig = z.strictObject({
  mode: z.literal("local").describe("A network namespace without any device but `lo`: nothing leaves it as a packet."),
  sidecarTcpPort: port.default(PORTS.sidecarTcp).describe("Loopback TCP port of the sidecar."),
  sidecarDnsPort: port.default(PORTS.sidecarDns).describe("Loopback UDP port of the sidecar."),
});

/** The settings of `init`: flags (`--node-addresses`) and environment (`WEIR_NODE_ADDRESSES`) by the same names; flags win. */
export const initConfig = z.discriminatedUnion("mode", [podConfig, localConfig, trustConfig]);
export type InitConfig = z.output<typeof initConfig>;
/** The modes that come with rules. */
export const rulesConfig = z.discriminatedUnion("mode", [podConfig, localConfig]);
export type RulesConfig = z.output<typeof rulesConfig>;
export type PodConfig = z.output<typeof podConfig>;
export type IdentityContainer = PodConfig["containers"][number];

function atMostOneOfEach(addresses: readonly string[]): boolean {
  const v4 = addresses.filter((one) => isIPv4(one)).length;
  return addresses.length >= 1 && v4 <= 1 && addresses.length - v4 <= 1;
}

function readContainer(value: unknown): unknown {
  const [, name, digits] = (typeof value === "string" ? value.match(/^([^:]*):(\d+)$/) : null) ?? [];
  return name === undefined ? value : { name, uid: Number(digits) };
}

function isDistinct(containers: readonly { readonly name: string; readonly uid: number }[]): boolean {
  const count = containers.length;
  return count <= IDENTITY_CONTAINERS_LIMIT && new Set(containers.map(({ name }) => name)).size === count && new Set(containers.map((one) => one.uid)).size === count;
}
