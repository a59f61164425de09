import * as z from "zod";
import { BOUNDARY_CONFIG_MAP } from "../../common/boundary-set.ts";

const name = z.string().min(1).max(253);

/** A node proxy of a cluster: who its agents are and what they may do comes from the API server. */
export const clusterConfig = z.strictObject({
  nodeName: name.optional()
    .describe("Node that this proxy serves; tokens of pods on other nodes are refused. Default: the variable `WEIR_NODE_NAME` of its environment "
      + "(`spec.nodeName` by the downward API)."),
  namespace: name.optional()
    .describe("Namespace of the installation, where the boundary is kept. Default: the variable `WEIR_NAMESPACE` of its environment (`metadata.namespace`)."),
  configMap: name.default(BOUNDARY_CONFIG_MAP)
    .describe("ConfigMap of that namespace which holds policy, grants, budgets and agents, as the controller writes them."),
  kubeconfig: z.string().min(1).optional().describe("Path of a kubeconfig file. Default: the pod's own service account."),
  controller: z.strictObject({
    tokenFile: z.string().min(1).describe("Path of the proxy's own projected token for the audience `weir-controller`; read again when it changes."),
    caFile: z.string().min(1).describe("PEM file of the only CA that is trusted for the controller; read again whenever the boundary changes."),
  }).describe("How the proxy, for itself and for agents that ask for `weir.internal`, speaks to the controller."),
  tokenReview: z.boolean().default(true)
    .describe("Whether the API server is asked about each token when it is seen first, and again after `identity.keysRefreshMs`: only it knows that a service "
      + "account is gone."),
  watchSilenceMs: z.int().min(1_000).max(3_600_000).default(150_000)
    .describe("Silence of the API server after which nobody can tell which pods live, in milliseconds: connections are refused until it is heard again. "
      + "Its bookmarks come every minute or so."),
  podWaitMs: z.int().min(0).max(30_000).default(3_000)
    .describe("Time that a connection waits for its pod, or the pod's address, to become known here, in milliseconds."),
  activityIntervalMs: z.int().min(100).max(600_000).default(10_000).describe("How often the controller is told which instances were active, in milliseconds."),
});
export type ClusterConfig = z.output<typeof clusterConfig>;
