import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { approvalDecision, approvalId, revocation, type AnswerDelivery, type AnswerResult, type ApprovalDecision, type ApprovalList, type DecisionResult } from "../../common/approvals/views.ts";

/** What an operator may see and say of what waits for a person. */
export interface ApprovalActs {
  list(): ApprovalList;
  /** @throws Error if a yes for a thread cannot be kept */
  decide(id: string, decision: ApprovalDecision, by: string): DecisionResult;
  /** What came of an answer that decided, once the request has said so. */
  deliveryOf(id: string): Promise<AnswerDelivery | null>;
  /** @returns whether there was such an approval of a thread */
  revoke(id: string, by: string, reason: string): boolean;
}

export interface DoorReply {
  readonly status: number;
  readonly body: unknown;
}

export const APPROVALS_PATH = "/approvals";

/** Longest that whoever answers is kept for what the request makes of it: policy is asked anew meanwhile. In milliseconds. */
const DELIVERY_MS = 5_000;

/** Whether the door's approvals are meant: `/approvals`, or one of them. */
export function isApprovalPath(path: string): boolean {
  return path === APPROVALS_PATH || path.startsWith(`${APPROVALS_PATH}/`);
}

/**
 * `GET /approvals`, `POST /approvals/ID` (a decision), `DELETE /approvals/ID` (an approval of a thread is taken back).
 * @param readBody the request's body as JSON, null if it is none
 */
export async function answerApprovals({ method, path }: { readonly method: string; readonly path: string }, readBody: () => Promise<unknown>, acts: ApprovalActs): Promise<DoorReply> {
  if (path === APPROVALS_PATH) return method === "GET" ? { status: 200, body: acts.list() } : { status: 405, body: { error: "method not allowed" } };
  const id = path.slice(APPROVALS_PATH.length + 1);
  if (!approvalId.safeParse(id).success) return { status: 404, body: { error: "not found" } };
  if (method === "POST") {
    const decision = approvalDecision.safeParse(await readBody());
    return decision.success ? { status: 200, body: await decideAndHear(id, decision.data, acts) } : { status: 400, body: { error: "not a decision" } };
  }
  if (method !== "DELETE") return { status: 405, body: { error: "method not allowed" } };
  const why = revocation.safeParse(await readBody() ?? {});
  if (!why.success) return { status: 400, body: { error: "not a revocation" } };
  return { status: 200, body: { revoked: acts.revoke(id, whoOwnsTheDoor(), why.data.reason) } };
}

/** Says with the result whether the request really went on; null is that nobody knows yet, or that the answer does not count. */
async function decideAndHear(id: string, decision: ApprovalDecision, acts: ApprovalActs): Promise<AnswerResult> {
  const result = acts.decide(id, decision, whoOwnsTheDoor());
  if (result.result !== "done") return { ...result, delivery: null };
  const isHeard = new AbortController();
  const tooLong = sleep(DELIVERY_MS, null, { signal: isHeard.signal, ref: false }).catch(() => null);
  const delivery = await Promise.race([acts.deliveryOf(id), tooLong]);
  isHeard.abort();
  return { ...result, delivery };
}

/**
 * The door's folder lets nobody in but the account that the proxy runs as (and root, who may be anybody): whoever speaks here is that account. Node does not
 * show the credentials of a Unix socket's peer (SO_PEERCRED).
 */
export function whoOwnsTheDoor(): string {
  try {
    return `user:${userInfo().username}`;
  } catch {
    // A container's account may have no name.
    return `uid:${process.getuid?.() ?? "unknown"}`;
  }
}
