import type { ReadContainer } from "../resources/pod.ts";

/** What the runtimes give a container by default, without NET_RAW: more than this is nobody's who lives behind a boundary. */
const ALLOWED = new Set([
  "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
]);
/** A raw socket sends past every rule. */
const NEVER = ["NET_RAW", "NET_ADMIN"] as const;
/** By these one becomes another user, and users are how containers are told apart. */
const CHANGES_USER = ["SETUID", "SETGID", "SETFCAP", "SETPCAP"] as const;

/** What was taken from a container, for a warning to its author. */
export interface Confined {
  readonly container: ReadContainer;
  readonly warnings: readonly string[];
}

/**
 * Takes what leads past the rules: capabilities beyond the default ones, and NET_RAW of these.
 * @param hasIdentities whether some container of the pod is known by its user: then nobody may become another user, neither by a capability nor by a setuid bit
 */
export function confine(container: ReadContainer, hasIdentities: boolean): Confined {
  const { add = [], drop = [], ...rest } = normalised(container);
  const taken: readonly string[] = hasIdentities ? [...NEVER, ...CHANGES_USER] : NEVER;
  const kept = add.filter((name) => ALLOWED.has(name) && !taken.includes(name));
  const lost = add.filter((name) => !kept.includes(name));
  const dropped = drop.includes("ALL") ? drop : [...drop, ...taken.filter((name) => !drop.includes(name))];
  const capabilities = { ...rest, ...(kept.length === 0 ? {} : { add: kept }), drop: dropped };
  const escalation = hasIdentities ? { allowPrivilegeEscalation: false } : {};
  const wantsMore = hasIdentities && container.securityContext?.allowPrivilegeEscalation === true;
  const warnings = [
    ...(lost.length === 0 ? [] : [`container ${container.name} does not get ${lost.join(", ")}: a governed pod has no such right`]),
    ...(wantsMore ? [`container ${container.name} may not gain privileges: others of its pod are known by their user`] : []),
  ];
  return { container: { ...container, securityContext: { ...container.securityContext, ...escalation, capabilities } }, warnings };
}

/** A container that is known by its user: it is that user, has no right at all and cannot gain one. */
export function asUser(container: ReadContainer, uid: number): ReadContainer {
  const own = { runAsUser: uid, runAsGroup: uid, runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
  return { ...container, securityContext: { ...container.securityContext, ...own } };
}

/** Runtimes take a capability with and without its prefix, in any case. */
function normalised(container: ReadContainer): { readonly [field: string]: unknown; readonly add?: string[]; readonly drop?: string[] } {
  const { add, drop, ...rest } = container.securityContext?.capabilities ?? {};
  const clean = (names: readonly string[] | null | undefined) => [...new Set((names ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, "")))];
  return { ...rest, add: clean(add), drop: clean(drop) };
}
