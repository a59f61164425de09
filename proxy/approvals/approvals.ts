import type { AgentIdentity } from "../model/agent.ts";
import type { Ask } from "../model/decision.ts";
import type { RecordedApproval } from "../model/record.ts";

/** What a person is asked: enough to decide, and nothing that is secret. */
export interface ApprovalSubject {
  /** Of the exchange, or of the connection where a connection is asked about. */
  readonly id: string;
  readonly connectionId: string;
  readonly agent: AgentIdentity;
  readonly question: "connection" | "exchange";
  /** Verified. */
  readonly host: string;
  readonly port: number;
  /** Null for a connection. The path is without its query. */
  readonly method: string | null;
  readonly path: string | null;
  /** What was read of it, in lines for a person: the tool and its arguments, the model, the operation. Cut to a few kilobytes, terminal-safe. */
  readonly details: readonly string[];
  /**
   * SHA-256 (hex) over all that makes the request what it is: agent, thread, rule, method, destination, path, query, body as far as it was read. An
   * approval for once is spent by the first request with the same fingerprint of the same thread, so that a client that gave up waiting may ask again.
   */
  readonly fingerprint: string;
  /** False where the fingerprint does not cover all that will be sent (a body that nobody read): a yes for once is for this live request alone then. */
  readonly isWhole: boolean;
}

/** Has people decide what policy leaves to them. */
export interface Approvals {
  /**
   * Waits until a person has decided, or the question's time is over. What was approved for the thread under the same rule, or once for the same
   * fingerprint, needs no waiting.
   * @param signal of the request: whoever leaves is no longer asked for, and the question stays open until its time is over
   * @returns who decided what and why; nobody in time is `expired`
   * @throws EgressError `approval.unavailable` where nobody can be asked or learnt from, `draining`, and the signal's reason
   */
  ask(subject: ApprovalSubject, question: Ask, signal: AbortSignal): Promise<RecordedApproval>;
  /** Tells whoever gave this answer what came of it; the first word counts. @param approval as `ask` gave it; of a no, or of what was not waited for, nothing need be told */
  tellBack(approval: RecordedApproval, goesOn: boolean): void;
  /** Whether an approval for the thread covers this now; without waiting, spending nothing. */
  covers(subject: Pick<ApprovalSubject, "agent">, rule: string): boolean;
}
