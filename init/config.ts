import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import { PORTS } from "../common/ports.ts";

const port = z.int().min(1).max(65_535);
const address = z.string().refine((text) => isIPv4(text) || (isIPv6(text) && !text.includes("%")), "must be an IPv4 or IPv6 address without a zone");
const addressList = z.preprocess((value) => (typeof value === "string" ? value.split(",").map((part) => part.trim()).filter((part) => part !== "") : value), z.array(address));

const podConfig = z.strictObject({
  mode: z.literal("pod").describe("A network namespace with a device that leads to the node."),
  nodeAddresses: addressList.refine(atMostOneOfEach, "must be one IPv4 address, one IPv6 address, or one of each")
    .describe("Addresses of the node proxy, comma-separated (`status.hostIPs` of the pod): the only ones that can be reached."),
  proxyPort: port.default(PORTS.proxy).describe("TCP port of the node proxy on these addresses."),
  inboundFrom: addressList.default([]).describe("Addresses that may open connections into the pod (kubelet probes come from the node), comma-separated."),
  sidecarTcpPort: port.default(PORTS.sidecarTcp).describe("Loopback TCP port of the sidecar."),
  sidecarDnsPort: port.default(PORTS.sidecarDns).describe("Loopback UDP port of the sidecar."),
});

const localConfig = z.strictObject({
  mode: z.literal("local").describe("A network namespace without any device but `lo`: nothing leaves it as a packet."),
  sidecarTcpPort: port.default(PORTS.sidecarTcp).describe("Loopback TCP port of the sidecar."),
  sidecarDnsPort: port.default(PORTS.sidecarDns).describe("Loopback UDP port of the sidecar."),
});

/** The settings of `init`: flags (`--node-addresses`) and environment (`WEIR_NODE_ADDRESSES`) by the same names; flags win. */
export const initConfig = z.discriminatedUnion("mode", [podConfig, localConfig]);
export type InitConfig = z.output<typeof initConfig>;
export type PodConfig = z.output<typeof podConfig>;

function atMostOneOfEach(addresses: readonly string[]): boolean {
  const v4 = addresses.filter((one) => isIPv4(one)).length;
  return addresses.length >= 1 && v4 <= 1 && addresses.length - v4 <= 1;
}
