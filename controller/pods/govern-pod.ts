/**
 * in: any pod, under which agent it shall be known · out: the pod behind its boundary, or why it cannot be · ends early with: refused
 *
 * Pure, and twice is the same as once: what an earlier injection put into the pod is taken out first, so that what is in it in the end is ours
 * in any case.
 */
import { createHash } from "node:crypto";
import { ANNOTATIONS, LABELS } from "../../common/labels.ts";
import type { ReadContainer, ReadPod } from "../resources/pod.ts";
import { boundaryVolumes, identityUids, initContainer, sidecarContainer } from "./boundary-parts.ts";
import { findProblems, withoutOurParts } from "./check-pod.ts";
import { asUser, confine, type Confined } from "./confine.ts";
import type { Governance, Governed } from "./governance.ts";
import { withTrust } from "./trust-parts.ts";

/** Of the annotation; another number makes webhook and controller write all parts anew. */
const VERSION = 1;
/** Mounted by the API server's own admission into every container, before webhooks are asked. */
const API_TOKEN_VOLUME = /^kube-api-access-/;

export type GovernPod = typeof governPod;

/** User of each container with an identity of its own. */
type Uids = Readonly<Record<string, number>>;

export function governPod(original: ReadPod, governance: Governance): Governed {
  const isGoverned = original.metadata.annotations?.[ANNOTATIONS.injected] !== undefined;
  const problems = findProblems(isGoverned ? withoutOurParts(original) : original, governance.identities);
  if (problems.length > 0) return { kind: "refused", problems };
  const pod = withoutOurParts(original);
  const parts = { init: initContainer(governance), sidecar: sidecarContainer(governance), volumes: boundaryVolumes(governance) };
  const uids = identityUids(governance.identities);
  const rewrite = (containers: readonly ReadContainer[]) => containers.map((container) => rewriteContainer(container, uids, governance));
  const initContainers = rewrite(pod.spec.initContainers ?? []);
  const containers = rewrite(pod.spec.containers);
  const spec = {
    ...pod.spec,
    ...nameService(governance),
    automountServiceAccountToken: false,
    securityContext: { ...pod.spec.securityContext, seccompProfile: pod.spec.securityContext?.seccompProfile ?? { type: "RuntimeDefault" } },
    initContainers: [parts.init, parts.sidecar, ...initContainers.map(({ container }) => container)],
    containers: containers.map(({ container }) => container),
    volumes: [...(pod.spec.volumes ?? []).filter(({ name }) => !API_TOKEN_VOLUME.test(name)), ...parts.volumes],
  };
  const warnings = [...initContainers, ...containers].flatMap((one) => one.warnings);
  const metadata = marked(pod.metadata, uids, fingerprintOf(parts), governance);
  return { kind: "governed", pod: { ...pod, metadata, spec }, warnings: [...warnings, ...unreachable(pod, governance)] };
}

function rewriteContainer(container: ReadContainer, uids: Uids, { trust }: Governance): Confined {
  const mounts = container.volumeMounts?.filter(({ name }) => !API_TOKEN_VOLUME.test(name));
  const trusting = withTrust({ ...container, ...(mounts === undefined ? {} : { volumeMounts: mounts }) }, trust);
  const uid = uids[container.name];
  return uid === undefined ? confine(trusting, Object.keys(uids).length > 0) : { container: asUser(trusting, uid), warnings: [] };
}

/** Every question is turned to the sidecar, whomever it is for; the resolver only needs some address to ask. */
function nameService({ settings }: Governance): Record<string, unknown> {
  return { dnsPolicy: "None", dnsConfig: { nameservers: [...settings.proxy.addresses], options: [{ name: "ndots", value: "1" }] } };
}

function marked(metadata: ReadPod["metadata"], uids: Uids, fingerprint: string, { agentName }: Governance): ReadPod["metadata"] {
  const { [ANNOTATIONS.identities]: _, ...annotations } = metadata.annotations ?? {};
  const identities = Object.keys(uids).length === 0 ? {} : { [ANNOTATIONS.identities]: JSON.stringify(uids) };
  const injected = { [ANNOTATIONS.injected]: JSON.stringify({ version: VERSION, fingerprint }) };
  return { ...metadata, labels: { ...metadata.labels, [LABELS.agent]: agentName }, annotations: { ...annotations, ...identities, ...injected } };
}

/** Differs whenever a part of the boundary differs: the CA, an image, the proxy's address. */
function fingerprintOf(parts: object): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Probes of the kubelet and a service's clients come from outside, and are dropped in silence unless they are let in. */
function unreachable(pod: ReadPod, { inbound }: Governance): string[] {
  const expecting = pod.spec.containers.filter((container) => (container.ports ?? []).length > 0 || NETWORK_PROBES.some((probe) => isAsked(container[probe])));
  if (inbound === "any" || expecting.length === 0) return [];
  const names = expecting.map(({ name }) => name).join(", ");
  return [`container ${names} has ports or probes, but nobody may open connections into this pod: annotate it with ${ANNOTATIONS.inbound}=any`];
}

const NETWORK_PROBES = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

/** True for a probe that is not a command inside the container. */
function isAsked(probe: ReadContainer["livenessProbe"]): boolean {
  return probe !== undefined && probe !== null && !("exec" in probe);
}
