import { IDENTITY_CONTAINERS_LIMIT } from "../../common/labels.ts";
import type { ReadPod } from "../resources/pod.ts";
import { containerProblems, OUR_CONTAINERS } from "./check-container.ts";
import { reservedUser, unconfined } from "./check-security.ts";
import { OUR_VOLUMES, volumeProblems } from "./check-volume.ts";

/** A pod without what an earlier injection put into it; what somebody else put under these names goes as well, and ours takes its place. */
export function withoutOurParts(pod: ReadPod): ReadPod {
  const { initContainers = [], volumes = [] } = pod.spec;
  const spec = {
    ...pod.spec,
    initContainers: initContainers.filter(({ name }) => !OUR_CONTAINERS.includes(name)),
    volumes: volumes.filter(({ name }) => !OUR_VOLUMES.includes(name)),
  };
  return { ...pod, spec };
}

/**
 * Why a pod cannot be governed: whatever would let it around the boundary, or into it. Each line says what to change. The chart's admission
 * policies ask the same of pods that came by another way (charts/weir/templates/admission).
 * @param pod without our parts
 * @param identities containers that get a user of their own
 */
export function findProblems(pod: ReadPod, identities: readonly string[]): string[] {
  const { spec } = pod;
  const containers = [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []];
  const podUser = spec.securityContext?.runAsUser ?? undefined;
  return [
    ...sharing(spec),
    ...identityProblems(spec, identities),
    ...reservedUser("spec.securityContext", spec.securityContext),
    ...unconfined("spec.securityContext", spec.securityContext),
    ...sysctlProblems(spec),
    ...(spec.volumes ?? []).flatMap(volumeProblems),
    ...containers.flatMap((one) => containerProblems(one, { hasIdentity: identities.includes(one.name), othersHave: identities.length > 0, podUser })),
  ];
}

function sharing(spec: ReadPod["spec"]): string[] {
  return (["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"] as const).filter((field) => spec[field] === true)
    .map((field) => `spec.${field} must not be set: the boundary is around the pod, not around what it shares.`);
}

function identityProblems({ containers }: ReadPod["spec"], identities: readonly string[]): string[] {
  const absent = identities.filter((name) => !containers.some((one) => one.name === name));
  return [
    ...(identities.length > IDENTITY_CONTAINERS_LIMIT ? [`At most ${IDENTITY_CONTAINERS_LIMIT} containers of a pod can have an identity of their own.`] : []),
    ...absent.map((name) => `There is no container ${name}, which should have an identity of its own.`),
  ];
}

/** Those of the Pod Security Standards, level Baseline: they say nothing about where packets go. */
const SYSCTLS = new Set([
  "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem",
]);

function sysctlProblems({ securityContext }: ReadPod["spec"]): string[] {
  const names = (securityContext?.sysctls ?? []).map(({ name }) => name.replaceAll("/", "."));
  return names.filter((name) => !SYSCTLS.has(name)).map((name) => `The sysctl ${name} must not be set: the boundary's rules rely on the kernel's own.`);
}

