import type { LeaseOwner } from "./lease-desk.ts";

/** Which credentials are meant: those of whom all that is given is true; with nothing given, all. */
export interface Revocation {
  readonly grant?: string | undefined;
  readonly instance?: string | undefined;
  readonly thread?: string | undefined;
}

export interface Revoked {
  /** Secrets that were in hand, or on their way, and are no more. */
  readonly dropped: number;
  /** Whether the stores have confirmed that all leases are taken back; if not, it is tried again. */
  readonly isConfirmed: boolean;
}

/** What instances share is nobody's: it is meant only where neither an instance nor a thread is named. */
export function isMeant({ grant, instance, thread }: Revocation, name: string, owner: LeaseOwner): boolean {
  return (grant === undefined || grant === name) && (instance === undefined || instance === owner.instance) && (thread === undefined || thread === owner.thread);
}
