import { CONTROLLER_AUDIENCE, FIRST_IDENTITY_UID, IDENTITY_CONTAINERS_LIMIT, POD_PARTS, SIDECAR_UID } from "../../common/labels.ts";
import { PROXY_AUDIENCE } from "../../common/identity.ts";
import type { ReadContainer, ReadPod, ReadVolume } from "../resources/pod.ts";
import { TRUST_DIRECTORY } from "./boundary-parts.ts";

const OUR_CONTAINERS: readonly string[] = [POD_PARTS.init, POD_PARTS.sidecar];
const OUR_VOLUMES: readonly string[] = [POD_PARTS.trustVolume, POD_PARTS.identityVolume, POD_PARTS.stateVolume, POD_PARTS.extraCaVolume];
const OUR_AUDIENCES: readonly string[] = [PROXY_AUDIENCE, CONTROLLER_AUDIENCE];

/** A pod without what an earlier injection put into it; what somebody else put under these names goes as well, and ours takes its place. */
export function withoutOurParts(pod: ReadPod): ReadPod {
  const { initContainers = [], volumes = [] } = pod.spec;
  return { ...pod, spec: { ...pod.spec, initContainers: initContainers.filter(({ name }) => !OUR_CONTAINERS.includes(name)), volumes: volumes.filter(({ name }) => !OUR_VOLUMES.includes(name)) } };
}

/**
 * Why a pod cannot be governed: whatever would let it around the boundary, or into it. Each line says what to change.
 * @param pod without our parts
 * @param identities containers that get a user of their own
 */
export function findProblems(pod: ReadPod, identities: readonly string[]): string[] {
  const { spec } = pod;
  const containers = [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []];
  return [
    ...(["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"] as const).filter((field) => spec[field] === true).map((field) => `spec.${field} must not be set: the boundary is around the pod, not around what it shares.`),
    ...(identities.length > IDENTITY_CONTAINERS_LIMIT ? [`At most ${IDENTITY_CONTAINERS_LIMIT} containers of a pod can have an identity of their own.`] : []),
    ...identities.filter((name) => !spec.containers.some((one) => one.name === name)).map((name) => `There is no container ${name}, which should have an identity of its own.`),
    ...reservedUser("spec.securityContext", spec.securityContext),
    ...unconfined("spec.securityContext", spec.securityContext),
    ...(spec.volumes ?? []).flatMap(volumeProblems),
    ...containers.flatMap((one) => containerProblems(one, identities.includes(one.name))),
  ];
}

function volumeProblems(volume: ReadVolume): string[] {
  const audiences = (volume.projected?.sources ?? []).map((source) => source.serviceAccountToken?.audience ?? "");
  return [
    ...(OUR_VOLUMES.includes(volume.name) ? [`Volume ${volume.name} has a name of the boundary's own volumes; rename it.`] : []),
    ...(volume.hostPath === undefined || volume.hostPath === null ? [] : [`Volume ${volume.name} is a hostPath: files, sockets and devices of the node lead around the boundary.`]),
    ...audiences.filter((audience) => OUR_AUDIENCES.includes(audience)).map((audience) => `Volume ${volume.name} holds a token for ${audience}: only the sidecar may have one.`),
  ];
}

function containerProblems(container: ReadContainer, hasIdentity: boolean): string[] {
  const place = `Container ${container.name}`;
  const security = container.securityContext;
  const mounts = container.volumeMounts ?? [];
  return [
    ...(OUR_CONTAINERS.includes(container.name) ? [`${place} has a name of the boundary's own containers; rename it.`] : []),
    ...(security?.privileged === true ? [`${place} must not be privileged.`] : []),
    ...(security?.procMount === "Unmasked" ? [`${place} must not have an unmasked /proc.`] : []),
    ...(addsAll(container) ? [`${place} must not add the capability ALL; name those that it needs.`] : []),
    ...(hasIdentity ? [] : reservedUser(place, security)),
    ...unconfined(place, security),
    ...mounts.filter(({ name }) => OUR_VOLUMES.includes(name) && name !== POD_PARTS.trustVolume).map(({ name }) => `${place} must not mount ${name}.`),
    ...mounts.filter(({ name, mountPath }) => name !== POD_PARTS.trustVolume && isWithin(mountPath, TRUST_DIRECTORY)).map(({ mountPath }) => `${place} must not mount anything at ${mountPath}: the trust files are there.`),
  ];
}

/** Uids by which the kernel tells the sidecar and containers with identities from the rest. */
function reservedUser(place: string, security: { readonly runAsUser?: number | null | undefined } | null | undefined): string[] {
  const uid = security?.runAsUser ?? 0;
  const isReserved = uid === SIDECAR_UID || (uid >= FIRST_IDENTITY_UID && uid < FIRST_IDENTITY_UID + IDENTITY_CONTAINERS_LIMIT);
  return isReserved ? [`${place} must not run as user ${uid}: it belongs to the boundary.`] : [];
}

/** The runtime's own profile keeps out what the rules do not see, such as sockets to the hypervisor. */
function unconfined(place: string, security: { readonly seccompProfile?: { readonly type: string } | null | undefined } | null | undefined): string[] {
  return security?.seccompProfile?.type === "Unconfined" ? [`${place} must not be unconfined by seccomp; leave the profile out, or use RuntimeDefault.`] : [];
}

function addsAll(container: ReadContainer): boolean {
  return (container.securityContext?.capabilities?.add ?? []).some((name) => /^(CAP_)?ALL$/i.test(name));
}

function isWithin(path: string, folder: string): boolean {
  const plain = path.replace(/\/+$/, "");
  return plain === folder || plain.startsWith(`${folder}/`) || folder.startsWith(`${plain}/`);
}
