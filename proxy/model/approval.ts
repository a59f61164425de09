import type { ErrorCode, Explanation } from "../errors.ts";
import type { Allow, Ask, Deny } from "./decision.ts";
import type { RecordedApproval } from "./record.ts";

/** What a person answered, and to which rule's question. */
export interface Answered {
  readonly rule: string;
  readonly approval: RecordedApproval;
}

/** A refusal in words for the agent. Who refused is for the audit. */
export interface ApprovalRefusal {
  readonly code: Extract<ErrorCode, "approval.denied" | "approval.expired">;
  readonly detail: string;
  readonly explanation: Explanation;
}

/** @returns null for a yes */
export function refusalBy({ outcome, reason: said }: RecordedApproval, { rule, reason, hint, timeoutMs }: Ask): ApprovalRefusal | null {
  if (outcome === "allowed") return null;
  if (outcome === "expired") return { code: "approval.expired", detail: `nobody answered within ${timeoutMs} ms`, explanation: { rule, reason, hint } };
  return { code: "approval.denied", detail: "a person refused it", explanation: { rule, reason: `${reason} A person refused it${said === "" ? "." : `: ${said}`}`, hint } };
}

/** Who waits, once a person has answered. */
export interface Waiting {
  /** Asks policy anew: much may have changed meanwhile. */
  readonly decideAgain: () => Promise<Allow | Deny | Ask>;
  /** Hears what came of it, whatever that is. */
  readonly note: (answered: Answered) => void;
}


/**
 * What an answer makes of the question. A yes that had to be waited for is for what policy says by now; one that needed no waiting, for the decision that was just made.
 * @param refusedBy the error of a refusal
 * @throws that error, `approval.denied` or `approval.expired`, and what deciding again throws
 */
export async function takeAnswer(approval: RecordedApproval, ask: Ask, { decideAgain, note }: Waiting, refusedBy: (refusal: ApprovalRefusal) => Error): Promise<Allow | Deny> {
  note({ rule: ask.rule, approval });
  const refusal = refusalBy(approval, ask);
  if (refusal !== null) throw refusedBy(refusal);
  return approval.waitedMs === 0 ? ask.allow : afterYes(await decideAgain(), ask);
}

/** What policy says now of what a person has just allowed: the allow that the question becomes, where it is still the same question. */
export function afterYes(today: Allow | Deny | Ask, { rule }: Ask): Allow | Deny {
  if (today.kind !== "ask") return today;
  if (today.rule === rule) return today.allow;
  return noLonger(today, `Another rule asks about this by now (${today.rule}).`);
}

/**
 * What policy says now of what is under way. A question is an allow for as long as the yes to it holds: once holds for what it was given for, a yes for
 * the thread until it is revoked or over.
 * @param isCovered whether a yes for the thread covers the rule now
 */
export function underApproval(today: Allow | Deny | Ask, answered: Answered | null, isCovered: (rule: string) => boolean): Allow | Deny {
  if (today.kind !== "ask") return today;
  const isOnce = answered?.rule === today.rule && answered.approval.outcome === "allowed" && answered.approval.scope === "once";
  if (isOnce || isCovered(today.rule)) return today.allow;
  return noLonger(today, "A person has to allow this, and what one allowed does not hold any more.");
}

function noLonger({ rule, revision }: Ask, reason: string): Deny {
  return { kind: "deny", rule, revision, reason, hint: "Try again: a person will be asked by today's policy." };
}
