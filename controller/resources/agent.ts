import * as z from "zod";
import { FIRST_IDENTITY_UID, IDENTITY_CONTAINERS_LIMIT, POD_PARTS, SIDECAR_UID } from "../../common/labels.ts";
import { allowance, conditions, durationBetween, label, objectMeta, quantity } from "./meta.ts";
import { ANY_FIELDS, LIST_SET, listMap, rules } from "./structural.ts";

/** Name of the container that runs the agent itself. */
export const AGENT_CONTAINER = "agent";

const environmentVariable = z.strictObject({
  name: z.string().max(128).regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/).describe("Name of the variable. Names that begin with `WEIR_` are Weir's own."),
  value: z.string().max(32_768).optional().describe("Its text. Never a secret: use a grant, or `secretKeyRef` for what the container itself has to hold."),
  secretKeyRef: z.strictObject({
    name: label.describe("Name of the Secret."),
    key: z.string().min(1).max(253).describe("Key inside the Secret."),
  }).optional().describe("A key of a Secret in this namespace; given to this container alone."),
}).describe("One environment variable, with `value` or `secretKeyRef`.").meta(rules(
  ["has(self.value) != has(self.secretKeyRef)", "give exactly one of value and secretKeyRef"],
  ["!self.name.startsWith('WEIR_')", "names that begin with WEIR_ are Weir's own"],
));

const environment = z.array(environmentVariable).max(128).default([]).meta(listMap("name"));
const amounts = z.record(z.string().max(253), quantity).optional().meta({ maxProperties: 16 });

const resources = z.strictObject({
  requests: amounts.describe("What the scheduler reserves, such as `cpu: 500m`."),
  limits: amounts.describe("The most that it may use, such as `memory: 1Gi`."),
}).describe("CPU and memory, as in a container.");

const holdings = {
  policies: z.array(label).max(16).default([]).meta(LIST_SET)
    .describe("EgressPolicies of this namespace that speak for it, tried in this order. None: nothing is allowed. While one of them is missing or broken, nothing is allowed either."),
  grants: z.array(label).max(32).default([]).meta(LIST_SET).describe("CredentialGrants of this namespace that it may be lent, where its policies say so."),
  budgets: z.array(label).max(8).default([]).meta(LIST_SET).describe("Budgets of this namespace that everything it does is charged to."),
};

const volume = z.strictObject({
  name: label.describe("Name of the volume, unique in the agent."),
  mountPath: z.string().max(1_024).regex(/^\/[^:]*$/).describe("Where the agent's container sees it."),
  size: quantity.default("1Gi").describe("Size of the claim."),
  storageClassName: z.string().max(253).optional().describe("Storage class; default the cluster's."),
  accessMode: z.enum(["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]).default("ReadWriteOnce").describe("Access mode of the claim."),
  retention: z.enum(["Retain", "Delete"]).default("Delete").describe("What becomes of it when its thread is deleted. It outlives every pod of the thread in any case."),
}).describe("A volume of each thread, kept from instance to instance.");

const RESERVED_VOLUMES = [POD_PARTS.trustVolume, POD_PARTS.identityVolume, POD_PARTS.stateVolume, POD_PARTS.extraCaVolume, POD_PARTS.dummyVolume];
const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(", ");

const volumes = z.array(volume).max(16).default([]).meta({
  ...listMap("name"),
  ...rules(
    ["self.all(v, self.exists_one(w, w.mountPath == v.mountPath))", "each volume needs a mountPath of its own"],
    ["self.all(v, v.mountPath != '/' && v.mountPath != '/weir' && !v.mountPath.startsWith('/weir/'))", "a volume may not cover the root or /weir"],
    [`self.all(v, !(v.name in [${quoted(RESERVED_VOLUMES)}]))`, "this name is Weir's own"],
  ),
}).describe("Volumes of each thread.");

const mcpServer = z.strictObject({
  name: label.describe("Name of the server; its container is named the same, and its identity is `agent.name`."),
  image: z.string().min(1).max(1_024).describe("Image of the container; it must run as any uid."),
  command: z.array(z.string().max(8_192)).max(64).optional().describe("As in a container."),
  args: z.array(z.string().max(8_192)).max(256).optional().describe("As in a container."),
  env: environment.describe("Environment of this container alone."),
  port: z.int().min(1_024).max(65_535).describe("Loopback port where the agent reaches it; it is told by `MCP_PORT`."),
  resources: resources.optional(),
  ...holdings,
}).describe("A server of tools in a container of its own, with an identity and rights of its own.");

const RESERVED_CONTAINERS = [AGENT_CONTAINER, POD_PARTS.init, POD_PARTS.sidecar];

const mcpServers = z.array(mcpServer).max(16).default([]).meta({
  ...listMap("name"),
  ...rules(
    [`self.all(s, !(s.name in [${quoted(RESERVED_CONTAINERS)}]))`, `${RESERVED_CONTAINERS.join(", ")} are containers of Weir itself`],
    ["self.all(s, self.exists_one(t, t.port == s.port))", "each server needs a port of its own"],
  ),
}).describe("Servers of tools beside the agent.");

const spawnRight = z.strictObject({
  agent: label.describe("Agent of this namespace that an instance may start a child thread of."),
  grants: z.array(label).max(32).default([]).meta(LIST_SET).describe("Grants that the child may hold at most, of those that the child's Agent holds."),
  allowance: allowance.optional().describe("The most that one child may be given, by meter, as in `{usd: \"2.00\"}`; it is what a child gets that asks for nothing."),
  maxThreads: z.int().min(1).max(1_000).default(10).describe("Children of one thread that are not archived."),
}).describe("A right to spawn.");

const scheduling = z.strictObject({
  nodeSelector: z.record(z.string(), z.string()).optional().meta({ maxProperties: 32 }).describe("As in a pod."),
  tolerations: z.array(z.record(z.string(), z.json()).meta(ANY_FIELDS)).max(32).optional().describe("As in a pod."),
  runtimeClassName: z.string().max(253).optional().describe("As in a pod."),
  priorityClassName: z.string().max(253).optional().describe("As in a pod."),
}).describe("Where its pods may run.");

/** CEL. Uids of the sidecar and of containers with an identity of their own. */
const NOT_RESERVED = `self != ${SIDECAR_UID} && (self < ${FIRST_IDENTITY_UID} || self >= ${FIRST_IDENTITY_UID + IDENTITY_CONTAINERS_LIMIT})`;

/** Definition of an agent. Without an image it is an identity for pods that others create. */
export const agentSpec = z.strictObject({
  image: z.string().min(1).max(1_024).optional().describe("Image of the agent's container. Without one no thread can be opened; pods with the label `weir.dev/agent` can still be governed under this name."),
  command: z.array(z.string().max(8_192)).max(64).optional().describe("As in a container."),
  args: z.array(z.string().max(8_192)).max(256).optional().describe("As in a container."),
  env: environment.describe("Environment of the agent's container; MCP servers have their own."),
  workingDir: z.string().max(1_024).optional().describe("As in a container."),
  runAsUser: z.int().min(0).max(2_147_483_647).optional().meta(rules([NOT_RESERVED, "this user belongs to the boundary"]))
    .describe("User that the agent's container runs as. Default: what its image says; beside `mcpServers`, which are known by their users, root, who can become nobody else there. Where nodes write the rules (`redirect.mode: node`), any user but root is also without every right, as namespaces of level `restricted` want it."),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional().describe("As in a container."),
  imagePullSecrets: z.array(label).max(8).default([]).meta(LIST_SET).describe("Secrets of this namespace by which images are pulled."),
  resources: resources.optional(),
  mcpServers,
  volumes,
  ...holdings,
  spawn: z.array(spawnRight).max(32).default([]).meta(listMap("agent")).describe("Agents that its instances may start, and what those may hold at most."),
  idleTimeout: durationBetween("10s", "168h").default("5m").describe("Time without egress, message or keep-alive after which an instance is stopped; volume and history stay. From 10s to 168h."),
  instances: z.strictObject({
    max: z.int().min(0).max(100_000).default(100).describe("Instances at a time; further threads wait."),
    warm: z.int().min(0).max(100).default(0).describe("Threads that have an instance although no message waits: those used or opened last. A thread among them gets its instance when it is opened."),
  }).prefault({}).meta(rules(["!has(self.warm) || !has(self.max) || self.warm <= self.max", "warm cannot be more than max"])).describe("How many instances there may be."),
  startTimeout: durationBetween("1s", "1h").default("2m").describe("Time from the pod's creation until its agent container runs; longer counts as a failed start. From 1s to 1h."),
  trust: z.strictObject({
    mountSystemBundle: z.boolean().default(true).describe("Mount the bundle over `/etc/ssl/certs/ca-certificates.crt`, besides setting the trust variables."),
    extraCaConfigMap: label.optional().describe("ConfigMap of this namespace whose `ca.crt` holds further roots, for destinations that are not intercepted."),
  }).prefault({}).describe("How its containers come to trust the boundary's certificates."),
  scheduling: scheduling.prefault({}),
}).meta(rules(["!has(oldSelf.image) || has(self.image)", "image cannot be removed: its threads would have nothing to run; delete the Agent instead"]))
  .describe("Definition of an agent. Without an image it is an identity for pods that others create.");
export type AgentSpec = z.output<typeof agentSpec>;

export const agentStatus = z.strictObject({
  observedGeneration: z.int().optional().describe("Generation of the spec that the status speaks of."),
  conditions,
  instances: z.int().optional().describe("Instances that run."),
  threads: z.int().optional().describe("Threads that there are."),
});

export const agent = z.looseObject({ metadata: objectMeta, spec: agentSpec, status: agentStatus.partial().optional() });
export type Agent = z.output<typeof agent>;
