import { isIP } from "node:net";
import * as z from "zod";
import { adminConfig } from "../../common/admin-config.ts";
import { LOG_LEVELS } from "../../common/log.ts";
import type { Settings } from "../settings.ts";

const address = z.string().refine((text) => isIP(text) !== 0, "must be an IP address");
const addresses = z.preprocess((value) => (typeof value === "string" ? value.split(",").map((text) => text.trim()).filter((text) => text !== "") : value), z.array(address).min(1));

/** What the node's agent is told, by flags or by environment variables behind WEIR_ (init/settings.ts). */
export const nodeConfig = z.strictObject({
  nodeName: z.string().min(1).max(253).describe("The node: only its pods are looked at."),
  hostAddresses: addresses.describe("Addresses of the node, comma-separated: no rule is written where one of them is."),
  namespace: z.string().min(1).max(63).default("weir-system").describe("Namespace of the installation."),
  proxyService: z.string().min(1).max(63).default("weir-proxy").describe("Service of the node proxies there; its cluster addresses are the only place that pods can reach."),
  namespacesDirectory: z.string().startsWith("/").default("/run/netns").describe("Folder in which the container runtime keeps the network namespaces of pods."),
  verifyIntervalMs: z.int().min(1_000).max(3_600_000).default(30_000).describe("How often the rules of a pod are read back, in milliseconds."),
  lookIntervalMs: z.int().min(50).max(60_000).default(2_000).describe("How often it is looked whether a pod's namespace is still there, in milliseconds."),
  commandTimeoutMs: z.int().min(1_000).max(60_000).default(15_000).describe("Time for one program in a pod's namespace, in milliseconds."),
  concurrency: z.int().min(1).max(64).default(4).describe("Pods whose rules are written or read at a time."),
  logLevel: z.enum(LOG_LEVELS).default("info").describe("Least severe diagnostic log line that is written to standard error."),
  admin: z.preprocess((value) => (typeof value === "string" ? { address: value, fromNetwork: true } : value), adminConfig).prefault({})
    .describe("Where /healthz, /readyz and /metrics are served, `address:port`; nowhere if absent."),
});
export type NodeConfig = z.output<typeof nodeConfig>;

export const REDIRECT_SETTINGS: Settings<typeof nodeConfig> = {
  schema: nodeConfig, program: "redirect", names: Object.keys(nodeConfig.shape), numeric: new Set(["verifyIntervalMs", "lookIntervalMs", "commandTimeoutMs", "concurrency"]),
};
