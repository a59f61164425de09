import * as z from "zod";
import { condition, duration, label, objectMeta, quantity } from "./meta.ts";

const environmentVariable = z.strictObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/).describe("Name of the variable. Names that begin with `WEIR_` are Weir's own."),
  value: z.string().max(32_768).optional().describe("Its text. Never a secret: use a grant, or `secretKeyRef` for what the container itself has to hold."),
  secretKeyRef: z.strictObject({ name: label, key: z.string().min(1).max(253) }).optional().describe("A key of a Secret in this namespace; given to this container alone."),
}).describe("One environment variable, with `value` or `secretKeyRef`.");

const resources = z.strictObject({
  requests: z.record(z.string().max(253), quantity).optional(),
  limits: z.record(z.string().max(253), quantity).optional(),
}).describe("CPU and memory, as in a container.");

const holdings = {
  policies: z.array(label).max(16).default([]).describe("EgressPolicies of this namespace that speak for it. None: nothing is allowed."),
  grants: z.array(label).max(32).default([]).describe("CredentialGrants of this namespace that it may be lent, where its policies say so."),
  budgets: z.array(label).max(8).default([]).describe("Budgets of this namespace that everything it does is charged to."),
};

const volume = z.strictObject({
  name: label.describe("Name of the volume, unique in the agent."),
  mountPath: z.string().regex(/^\/[^:]{0,1023}$/).describe("Where the agent's container sees it."),
  size: quantity.default("1Gi").describe("Size of the claim."),
  storageClassName: z.string().max(253).optional().describe("Storage class; default the cluster's."),
  accessMode: z.enum(["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]).default("ReadWriteOnce"),
  retention: z.enum(["Retain", "Delete"]).default("Delete").describe("What becomes of it when its thread is deleted. It outlives every pod of the thread in any case."),
});

const mcpServer = z.strictObject({
  name: label.describe("Name of the server; its container is named the same, and its identity is `agent.name`."),
  image: z.string().min(1).max(1_024).describe("Image of the container; it must run as any uid."),
  command: z.array(z.string().max(8_192)).max(64).optional(),
  args: z.array(z.string().max(8_192)).max(256).optional(),
  env: z.array(environmentVariable).max(128).default([]),
  port: z.int().min(1_024).max(65_535).describe("Loopback port where the agent reaches it; it is told by `MCP_PORT`."),
  resources: resources.optional(),
  ...holdings,
}).describe("A server of tools in a container of its own, with an identity and rights of its own.");

const spawnRight = z.strictObject({
  agent: label.describe("Agent of this namespace that an instance may start a child thread of."),
  grants: z.array(label).max(32).default([]).describe("Grants that the child may hold at most, of those that the child's Agent holds."),
  maxThreads: z.int().min(1).max(1_000).default(10).describe("Children of one thread that are not archived."),
});

/** Definition of an agent. Without an image it is an identity for pods that others create. */
export const agentSpec = z.strictObject({
  image: z.string().min(1).max(1_024).optional().describe("Image of the agent's container. Without one no thread can be opened; pods with the label `weir.dev/agent` can still be governed under this name."),
  command: z.array(z.string().max(8_192)).max(64).optional().describe("As in a container."),
  args: z.array(z.string().max(8_192)).max(256).optional().describe("As in a container."),
  env: z.array(environmentVariable).max(128).default([]).describe("Environment of the agent's container; MCP servers have their own."),
  workingDir: z.string().max(1_024).optional(),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional(),
  imagePullSecrets: z.array(label).max(8).default([]),
  resources: resources.optional(),
  mcpServers: z.array(mcpServer).max(16).default([]),
  volumes: z.array(volume).max(16).default([]),
  ...holdings,
  spawn: z.array(spawnRight).max(32).default([]).describe("Agents that its instances may start, and what those may hold at most."),
  idleTimeout: duration.default("5m").describe("Time without egress, message or keep-alive after which an instance is stopped; volume and history stay."),
  instances: z.strictObject({
    max: z.int().min(0).max(100_000).default(100).describe("Instances at a time; further threads wait."),
    warm: z.int().min(0).max(100).default(0).describe("Threads whose instance is kept running although it is idle: the ones used last."),
  }).prefault({}),
  startTimeout: duration.default("2m").describe("Time from the pod's creation until its agent container runs; longer counts as a failed start."),
  trust: z.strictObject({
    mountSystemBundle: z.boolean().default(true).describe("Mount the bundle over `/etc/ssl/certs/ca-certificates.crt`, besides setting the trust variables."),
    extraCaConfigMap: label.optional().describe("ConfigMap of this namespace whose `ca.crt` holds further roots, for destinations that are not intercepted."),
  }).prefault({}),
  scheduling: z.strictObject({
    nodeSelector: z.record(z.string(), z.string()).optional(),
    tolerations: z.array(z.record(z.string(), z.json())).max(32).optional(),
    runtimeClassName: z.string().max(253).optional(),
    priorityClassName: z.string().max(253).optional(),
  }).prefault({}),
});
export type AgentSpec = z.output<typeof agentSpec>;

export const agentStatus = z.strictObject({
  observedGeneration: z.int().optional(),
  conditions: z.array(condition).max(16).default([]),
  instances: z.int().optional(),
  threads: z.int().optional(),
});

export const agent = z.looseObject({ metadata: objectMeta, spec: agentSpec, status: agentStatus.partial().optional() });
export type Agent = z.output<typeof agent>;
