/**
 * in: a thread and its agent · out: the pod that serves it, behind its boundary · ends early with: refused · next: controller/reconcile/apply.ts
 *
 * The definition becomes an ordinary pod, which is then governed like anybody else's.
 */
import type { Allowance } from "../../common/identity.ts";
import { ANNOTATIONS, GROUP, LABELS, MANAGED_BY_CONTROLLER, PLATFORM_NAME } from "../../common/labels.ts";
import { parseAmount, type MeterName } from "../../common/meters.ts";
import type { Agent, AgentSpec } from "../resources/agent.ts";
import type { AllowanceSpec } from "../resources/meta.ts";
import type { ReadContainer, ReadPod } from "../resources/pod.ts";
import type { Thread } from "../resources/thread.ts";
import { withDummyFiles, type ContainerDummies } from "./dummy-files.ts";
import type { Governed } from "./governance.ts";
import { governPod } from "./govern-pod.ts";
import type { PodSettings } from "./pod-settings.ts";

/** The container that the agent's image runs in; its end is the end of the instance. */
export const AGENT_CONTAINER = "agent";
/** Time between the stop signal and the end, in seconds. */
const GRACE_SECONDS = 30;
/** Group of the files in a thread's volumes, so that an image with a user of its own can write them; nobody's by any other right. */
const VOLUME_GROUP = 64_050;

export interface InstanceContext {
  readonly settings: PodSettings;
  /** Name of the thread's one pod, and of the claim behind a volume (controller/reconcile/names.ts). */
  readonly podName: string;
  claimName(volume: string): string;
  /** By the container's name: the dummies of the grants that it may be lent, so that stock clients start. */
  readonly dummies: Readonly<Record<string, ContainerDummies>>;
}

/** @returns refused if a name in the definition is taken by the boundary, or the agent has no image */
export function instancePod(thread: Thread, agent: Agent, context: InstanceContext): Governed {
  const { spec } = agent;
  const names = [AGENT_CONTAINER, ...spec.mcpServers.map(({ name }) => name)];
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (spec.image === undefined) return { kind: "refused", problems: [`Agent ${agent.metadata.name} has no image.`] };
  if (twice.length > 0) return { kind: "refused", problems: [`MCP server ${twice.join(", ")}: the name is taken.`] };
  const pod: ReadPod = { apiVersion: "v1", kind: "Pod", metadata: metadataOf(thread, context.podName), spec: specOf(thread, agent, spec.image, context) };
  return governPod(withDummyFiles(pod, context.dummies), {
    agentName: agent.metadata.name, identities: spec.mcpServers.map(({ name }) => name), inbound: "none", settings: context.settings,
    trust: { mountSystemBundle: spec.trust.mountSystemBundle, extraCaConfigMap: spec.trust.extraCaConfigMap },
  });
}

function metadataOf({ metadata, spec }: Thread, podName: string): ReadPod["metadata"] {
  return {
    name: podName,
    namespace: metadata.namespace,
    labels: { [LABELS.agent]: spec.agent, [LABELS.thread]: metadata.name, [LABELS.managedBy]: MANAGED_BY_CONTROLLER },
    annotations: {
      [ANNOTATIONS.user]: spec.user,
      [ANNOTATIONS.chain]: JSON.stringify(spec.chain),
      ...(spec.grants === undefined ? {} : { [ANNOTATIONS.grants]: JSON.stringify(spec.grants) }),
      ...(spec.allowance === undefined ? {} : { [ANNOTATIONS.allowance]: JSON.stringify(inUnits(spec.allowance)) }),
      ...(spec.chainAllowances === undefined ? {} : { [ANNOTATIONS.chainAllowances]: JSON.stringify(spec.chainAllowances.map(inUnits)) }),
    },
    ownerReferences: [{ apiVersion: `${GROUP}/v1alpha1`, kind: "Thread", name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
  };
}

/** As the node proxies count it: digits of whole units, money in nano-dollars. @throws Error for what the resource's schema does not let through */
function inUnits(allowance: AllowanceSpec): Allowance {
  return Object.fromEntries(Object.entries(allowance).flatMap(([meter, written]) => {
    if (written === undefined) return [];
    const amount = parseAmount(meter as MeterName, String(written));
    if (amount === null) throw new Error(`an allowance of ${meter} that is none`);
    return [[meter, amount.toString()]];
  }));
}

function specOf(thread: Thread, agent: Agent, image: string, context: InstanceContext): ReadPod["spec"] {
  const { spec } = agent;
  const { nodeSelector, tolerations, runtimeClassName, priorityClassName } = spec.scheduling;
  return {
    restartPolicy: "Never",
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    containers: [agentContainer(thread, agent, image, context), ...spec.mcpServers.map((server) => serverContainer(server, spec, context))],
    volumes: spec.volumes.map(({ name }) => ({ name, persistentVolumeClaim: { claimName: context.claimName(name) } })),
    ...(spec.volumes.length === 0 ? {} : { securityContext: { fsGroup: VOLUME_GROUP, fsGroupChangePolicy: "OnRootMismatch" } }),
    ...(spec.imagePullSecrets.length === 0 ? {} : { imagePullSecrets: spec.imagePullSecrets.map((name) => ({ name })) }),
    ...given({ nodeSelector, tolerations, runtimeClassName, priorityClassName }),
  };
}

function agentContainer(thread: Thread, agent: Agent, image: string, { dummies, settings }: InstanceContext): ReadContainer {
  const { spec } = agent;
  const own = { WEIR_API: `https://${PLATFORM_NAME}`, WEIR_AGENT: agent.metadata.name, WEIR_THREAD: thread.metadata.name };
  const servers = spec.mcpServers.length === 0 ? {} : { AGENT_MCP_SERVERS: spec.mcpServers.map(({ name, port }) => `${name}:${port}`).join(",") };
  return {
    name: AGENT_CONTAINER,
    image,
    ...given({ imagePullPolicy: spec.imagePullPolicy, command: spec.command, args: spec.args, workingDir: spec.workingDir, resources: spec.resources }),
    ...given({ securityContext: userOf(spec, settings) }),
    env: environment(spec.env, { ...dummies[AGENT_CONTAINER]?.variables, ...own, ...servers }),
    volumeMounts: spec.volumes.map(({ name, mountPath }) => ({ name, mountPath })),
  };
}

/**
 * Where servers of tools are known by their users, the agent's image must not be the one to say who it is: it could name the user of one of them. Root
 * without the right to become anybody else suits most images. Where the node writes the rules, namespaces are of level `restricted`, and take nobody
 * who is not root but might become it.
 */
function userOf({ runAsUser, mcpServers }: AgentSpec, { redirect }: PodSettings): ReadContainer["securityContext"] {
  const user = runAsUser ?? (mcpServers.length > 0 ? 0 : undefined);
  if (user === undefined) return undefined;
  if (user === 0 || redirect === "init") return { runAsUser: user };
  return { runAsUser: user, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
}

/** Rights and secrets of its own; the agent reaches it on the loopback, and it has none of the agent's volumes. */
function serverContainer(server: AgentSpec["mcpServers"][number], { imagePullPolicy }: AgentSpec, { dummies }: InstanceContext): ReadContainer {
  return {
    name: server.name,
    image: server.image,
    ...given({ imagePullPolicy, command: server.command, args: server.args, resources: server.resources }),
    env: environment(server.env, { ...dummies[server.name]?.variables, MCP_PORT: String(server.port) }),
  };
}

/** Ours wins over theirs, and names that begin with WEIR_ are ours. */
function environment(theirs: AgentSpec["env"], ours: Readonly<Record<string, string>>): NonNullable<ReadContainer["env"]> {
  const kept = theirs.filter(({ name }) => !name.startsWith("WEIR_") && !(name in ours));
  return [
    ...kept.map(({ name, value, secretKeyRef }) => (secretKeyRef === undefined ? { name, value: value ?? "" } : { name, valueFrom: { secretKeyRef } })),
    ...Object.entries(ours).map(([name, value]) => ({ name, value })),
  ];
}

/** Without what is undefined: an absent field and an undefined one are different things to an API server. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
