import * as z from "zod";
import { LOG_LEVELS } from "../common/log.ts";
import { approvalsConfig } from "./approvals/config.ts";
import { auditConfig } from "./audit/config.ts";
import { budgetConfig } from "./budget/config.ts";
import { clusterConfig } from "./cluster/config.ts";
import { connectionConfig } from "./connection/config.ts";
import { credentialsConfig, grantsConfig } from "./credentials/config.ts";
import { adminConfig } from "./admin/config.ts";
import { dnsConfig } from "./dns/config.ts";
import { exchangeConfig } from "./exchange/config.ts";
import { identityConfig } from "./identity/config.ts";
import { mcpConfig } from "./mcp/config.ts";
import { meteringConfig } from "./metering/config.ts";
import { policyConfig } from "./policy/config.ts";
import { protocolsConfig } from "./protocols/config.ts";
import { tlsConfig } from "./tls/config.ts";
import { upstreamConfig } from "./upstream/config.ts";

/** Everything that the node proxy can be told. Each section belongs to one room, which is given that section and nothing else. */
export const proxyConfig = z.strictObject({
  listen: z.strictObject({
    socketPath: z.string().optional().describe("Path of the Unix socket for sidecars of this machine; created with mode 0600."),
    address: z.string().optional().describe("Node address to listen on for sidecars in pods, `host:port`."),
  }).prefault({}).describe("Where sidecars reach the proxy. `weir run` chooses a private Unix socket by itself."),
  stateDirectory: z.string().optional().describe("Folder for the CA, the local issuer key and the audit chain; default `$XDG_STATE_HOME/weir`. Never visible to an agent."),
  logLevel: z.enum(LOG_LEVELS).default("warn").describe("Least severe diagnostic log line that is written to standard error."),
  drainTimeoutMs: z.number().int().min(0).max(600_000).default(10_000).describe("Time for open exchanges to finish after a stop signal, in milliseconds."),
  identity: identityConfig.prefault({}),
  connection: connectionConfig.prefault({}),
  protocols: protocolsConfig.prefault({}),
  exchange: exchangeConfig.prefault({}),
  dns: dnsConfig.prefault({}),
  policy: policyConfig.prefault({}),
  approvals: approvalsConfig.prefault({}),
  grants: grantsConfig.prefault({}),
  credentials: credentialsConfig.prefault({}),
  budgets: budgetConfig.prefault({}),
  metering: meteringConfig.prefault({}),
  mcp: mcpConfig.prefault({}),
  audit: auditConfig.prefault({}),
  tls: tlsConfig.prefault({}),
  upstream: upstreamConfig.prefault({}),
  admin: adminConfig.prefault({}),
  cluster: clusterConfig.optional().describe("For a node proxy of a cluster: agents, policy, grants and budgets then come from there, and `policy.bundle`, `policy.directory` and `policy.data` do not count."),
});
export type ProxyConfig = z.output<typeof proxyConfig>;
