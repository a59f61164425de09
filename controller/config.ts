import * as z from "zod";
import { adminConfig } from "../common/admin-config.ts";
import { LOG_LEVELS } from "../common/log.ts";
import { accessConfig } from "./access/config.ts";
import { apiConfig } from "./api/config.ts";
import { approvalsConfig } from "./approvals/config.ts";
import { boundaryConfig } from "./boundary/config.ts";
import { kubeConfig } from "./kube/config.ts";
import { podsConfig } from "./pods/config.ts";
import { reconcileConfig } from "./reconcile/config.ts";
import { threadsConfig } from "./threads/config.ts";
import { webhookConfig } from "./webhook/config.ts";

/** Everything that the controller can be told. Each section belongs to one room, which is given that section and nothing else. */
export const controllerConfig = z.strictObject({
  namespace: z.string().min(1).max(63).default("weir-system").describe("Namespace of the installation: Lease, CA, boundary and the services of proxy and controller are in it."),
  identity: z.string().min(1).max(128).optional().describe("Name of this controller among several; default the pod's."),
  services: z.strictObject({
    proxy: z.string().min(1).max(63).default("weir-proxy").describe("Service of the node proxies; its cluster addresses are the only place that governed pods can reach."),
    controller: z.string().min(1).max(63).default("weir-controller").describe("Service of this API; the node proxies lead `weir.internal` to it."),
  }).prefault({}),
  logLevel: z.enum(LOG_LEVELS).default("info").describe("Least severe diagnostic log line that is written to standard error."),
  kube: kubeConfig.prefault({}),
  threads: threadsConfig.prefault({}),
  access: accessConfig.prefault({}),
  api: apiConfig.prefault({}),
  approvals: approvalsConfig.prefault({}),
  pods: podsConfig,
  webhook: webhookConfig.prefault({}),
  boundary: boundaryConfig.prefault({}),
  reconcile: reconcileConfig.prefault({}),
  admin: adminConfig.prefault({}),
});
export type ControllerConfig = z.output<typeof controllerConfig>;
