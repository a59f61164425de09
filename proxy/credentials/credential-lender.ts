import type { Borrower } from "../model/agent.ts";
import type { Loan, Login, LoginTarget } from "../model/loan.ts";
import type { RequestHead } from "../model/request.ts";

export interface CredentialLender {
  /**
   * @param grants names from the decision; every one of them must exist and its binding (scheme, host, port, path, methods) must
   * match the head, or nothing is lent
   * @throws EgressError `credential.unavailable` (source down, unknown grant) or `credential.misdirected` (outside its binding, or plaintext)
   */
  lend(grants: readonly string[], borrower: Borrower, head: RequestHead, signal: AbortSignal): Promise<Loan>;
  /** The same for a protocol that logs in. Exactly one of the grants must be made for it. */
  lendLogin(grants: readonly string[], borrower: Borrower, target: LoginTarget, signal: AbortSignal): Promise<Login>;
  /**
   * Looks for what has no business in this request: a dummy, or something shaped like a real key, of a grant that is not lent here; a secret in use.
   * @param grants those that are lent @param held those that the agent holds, and hears of; null: all
   * @throws EgressError `credential.misdirected`
   */
  refuseStray(head: RequestHead, grants: readonly string[], held: readonly string[] | null): void;
  /** Takes back what was fetched for an instance that has ended. Resolves when the stores have confirmed it or the time for it is over. */
  endInstance(instance: string): Promise<void>;
}
