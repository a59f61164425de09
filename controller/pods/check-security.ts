import { FIRST_IDENTITY_UID, IDENTITY_CONTAINERS_LIMIT, SIDECAR_UID } from "../../common/labels.ts";
import type { ReadSecurityContext } from "../resources/pod.ts";

/** What a pod and a container say of their rights, for both in the same words. */
type Security = ReadSecurityContext | null | undefined;

/** Uids by which the kernel tells the sidecar and containers with identities from the rest. */
export function reservedUser(place: string, security: Security): string[] {
  const uid = security?.runAsUser ?? 0;
  const isReserved = uid === SIDECAR_UID || (uid >= FIRST_IDENTITY_UID && uid < FIRST_IDENTITY_UID + IDENTITY_CONTAINERS_LIMIT);
  return isReserved ? [`${place} must not run as user ${uid}: it belongs to the boundary.`] : [];
}

/** The runtime's own profiles keep out what the rules do not see, such as sockets to the hypervisor, and mounts. */
export function unconfined(place: string, security: Security): string[] {
  return [
    ...(security?.seccompProfile?.type === "Unconfined" ? [`${place} must not be unconfined by seccomp; leave the profile out, or use RuntimeDefault.`] : []),
    ...(security?.appArmorProfile?.type === "Unconfined" ? [`${place} must not be unconfined by AppArmor; leave the profile out, or use RuntimeDefault.`] : []),
  ];
}
