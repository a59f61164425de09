/**
 * in: AdmissionRequest · out: Verdict · ends early with: refused, failed · next: server.ts writes the answer
 *
 * Looks up the Agent that the pod names, has the pod governed as one of its instances, and says what to change.
 */
import { isDeepStrictEqual } from "node:util";
import { ANNOTATIONS, CONTROLLER_ONLY, LABELS } from "../../common/labels.ts";
import type { GovernPod } from "../pods/govern-pod.ts";
import type { Governance } from "../pods/governance.ts";
import type { PodSettings } from "../pods/pod-settings.ts";
import type { Agent } from "../resources/agent.ts";
import { pod as podSchema, type ReadPod } from "../resources/pod.ts";
import type { AdmissionRequest, Verdict } from "./admission-review.ts";

export interface InjectionDeps {
  /** @returns null if there is no such Agent, or none that can be read */
  findAgent(namespace: string, name: string, signal: AbortSignal): Promise<Agent | null>;
  readonly govern: GovernPod;
  /** May throw while the installation is not known yet: that is a failure, and no pod is let through. */
  settings(): PodSettings;
}

/** Rejects only if the Agent could not be looked up. */
export async function injectPod(request: AdmissionRequest, deps: InjectionDeps, signal: AbortSignal): Promise<Verdict> {
  const parsed = podSchema.safeParse(request.object);
  if (!parsed.success) return refuse(`This is not a pod: ${parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")}.`);
  const pod = parsed.data;
  const { namespace } = request;
  const settings = deps.settings();
  const claimed = settings.controllerUser === request.userInfo.username ? [] : claimsOf(pod);
  if (claimed.length > 0) return refuse(`Only Weir's controller sets ${claimed.join(", ")}; leave it out.`);
  const agentName = pod.metadata.labels?.[LABELS.agent];
  if (agentName === undefined) return refuse(`A pod with ${LABELS.inject}=enabled needs the label ${LABELS.agent}: the name of an Agent of ${namespace}.`);
  const inbound = readInbound(pod);
  if (inbound === null) return refuse(`The annotation ${ANNOTATIONS.inbound} must be any or none.`);
  const agent = await deps.findAgent(namespace, agentName, signal);
  if (agent === null) return refuse(noAgent(namespace, agentName));
  const { mountSystemBundle, extraCaConfigMap } = agent.spec.trust;
  return govern(pod, { agentName, identities: identitiesIn(pod, agent), inbound, settings, trust: { mountSystemBundle, extraCaConfigMap } }, deps.govern);
}

/** What the pod says that only the controller may say. */
function claimsOf({ metadata: { labels = {}, annotations = {} } }: ReadPod): string[] {
  return CONTROLLER_ONLY.filter((name) => labels[name] !== undefined || annotations[name] !== undefined);
}

function noAgent(namespace: string, name: string): string {
  return `There is no Agent ${name} in namespace ${namespace} (label ${LABELS.agent}). Create it first: kubectl get agents -n ${namespace}.`;
}

function govern(pod: ReadPod, governance: Governance, governPod: GovernPod): Verdict {
  const governed = governPod(pod, governance);
  if (governed.kind === "refused") return refuse(`This pod cannot be governed. ${governed.problems.join(" ")}`);
  if (isDeepStrictEqual(governed.pod, pod)) return { kind: "unchanged" };
  return { kind: "injected", patch: patchOf(governed.pod), warnings: governed.warnings };
}

/** The parts that governing writes, each as a whole: shorter differences would only be another thing to get wrong. */
function patchOf({ metadata, spec }: ReadPod): object[] {
  return [
    { op: "add", path: "/metadata/labels", value: metadata.labels ?? {} },
    { op: "add", path: "/metadata/annotations", value: metadata.annotations ?? {} },
    { op: "replace", path: "/spec", value: spec },
  ];
}

/** Containers named like a server of tools in the Agent are that server, with its rights. */
function identitiesIn({ spec }: ReadPod, agent: Agent): string[] {
  return agent.spec.mcpServers.map(({ name }) => name).filter((name) => spec.containers.some((container) => container.name === name));
}

function readInbound({ metadata }: ReadPod): Governance["inbound"] | null {
  const value = metadata.annotations?.[ANNOTATIONS.inbound] ?? "none";
  return value === "any" || value === "none" ? value : null;
}

function refuse(message: string): Verdict {
  return { kind: "refused", message };
}
