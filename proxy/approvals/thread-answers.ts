import type { ThreadApprovalView } from "../../common/approvals/views.ts";
import type { Tell } from "./desk-listener.ts";
import type { EndQuestions } from "./end-questions.ts";
import type { OpenQuestions } from "./open-questions.ts";
import type { ThreadApprovals } from "./thread-approvals.ts";

interface ThreadAnswersContext {
  readonly threads: ThreadApprovals;
  readonly open: OpenQuestions;
  readonly ends: EndQuestions;
  readonly tell: Tell;
}

/** Who revoked an approval, and why. */
export type WhoRevoked = (id: string) => { readonly by: string; readonly reason: string };

/** Answers for whole threads: a yes lets through what waits under its rule, and what comes later is covered by it until it is taken back. */
export class ThreadAnswers {
  readonly #context: ThreadAnswersContext;

  constructor(context: ThreadAnswersContext) {
    this.#context = context;
  }

  /** @throws Error if it cannot be kept; then it holds for nothing */
  allow(approval: ThreadApprovalView): void {
    const { threads, open, ends } = this.#context;
    threads.add(approval);
    const { id: approvalId, by, reason, expiresAtMs: untilMs } = approval;
    for (const question of open.all()) {
      const { ask, subject: { agent } } = question;
      const isMeant = ask.rule === approval.rule && agent.thread === approval.thread && agent.name === approval.agent && agent.namespace === approval.namespace;
      if (isMeant && ask.scopes.includes("thread")) ends.end(question, { outcome: "allowed", by, reason, scope: "thread", approvalId, untilMs });
    }
  }

  /** @returns whether it was there */
  revoke(id: string, by: string, reason: string): boolean {
    const { threads, tell } = this.#context;
    const approval = threads.get(id);
    if (approval === null) return false;
    threads.remove(id);
    tell((listener) => { listener.revoked?.(approval, by, reason); });
    return true;
  }

  /** Somebody else keeps them: those that are new begin to hold, those that are missing are revoked. */
  agree(approvals: readonly ThreadApprovalView[], whoRevoked: WhoRevoked): void {
    const { threads } = this.#context;
    const wanted = new Set(approvals.map(({ id }) => id));
    for (const { id } of threads.list()) {
      const { by, reason } = whoRevoked(id);
      if (!wanted.has(id)) this.revoke(id, by, reason);
    }
    for (const approval of approvals) if (threads.get(approval.id) === null) this.allow(approval);
  }
}
