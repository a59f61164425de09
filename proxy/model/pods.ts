import type { Allowance } from "../../common/identity.ts";

/** A governed pod of this node: who it is and where it can be. Read strictly from what the API server says of it. */
export interface GovernedPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** In canonical text; empty until the kubelet has reported one. */
  readonly addresses: readonly string[];
  /** The Agent that it is an instance of. */
  readonly agent: string;
  /** The Thread that it serves; the pod's own name if it serves none. */
  readonly thread: string;
  readonly user: string;
  readonly chain: readonly string[];
  /** The most that it may be lent, by grant id; null: whatever its Agent holds. */
  readonly grants: readonly string[] | null;
  /** The most that its thread may use in its life; null: no more than its budgets say. */
  readonly allowance: Allowance | null;
  /** The same for the threads in `chain`, in its order; empty where none of them has any. */
  readonly chainAllowances: readonly Allowance[];
  /** Containers with an identity of their own. */
  readonly containers: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Wall-clock milliseconds at which it should be gone; null while nobody has deleted it. */
  readonly goneByMs: number | null;
}

/** What a pod's token says of the pod that it is bound to. */
export interface PodClaim {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
}

/** The governed pods of this node: what binds a token to the peer that shows it. */
export interface PodDirectory {
  /**
   * The pod that a token is bound to. Waits a little for a pod, or an address of it, that is too young to be known.
   * @returns a pod that has this address now
   * @throws EgressError `identity.rejected` (another node's, ended, not governed, malformed, another address), or `identity.unavailable` if
   * the directory cannot tell; the token is not accepted then
   */
  find(claim: PodClaim, peerAddress: string, signal: AbortSignal): Promise<GovernedPod>;
}

/** What the cluster says about the tokens that it issues. */
export interface ClusterTokens {
  /** The `iss` of its tokens. @throws if it cannot be asked */
  issuer(): Promise<string>;
  /** Its public keys, a JSON Web Key Set. @throws if it cannot be asked */
  keys(): Promise<unknown>;
  /**
   * Asks whether the token still counts, which a signature cannot tell: its pod or service account may be gone.
   * @returns false if the cluster does not accept it for this audience and this pod
   * @throws if it cannot be asked
   */
  isAccepted(token: string, audience: string, podUid: string, signal: AbortSignal): Promise<boolean>;
}
