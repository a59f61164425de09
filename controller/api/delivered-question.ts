import { Changes } from "../../common/approvals/changes.ts";
import type { StoredQuestion } from "../approvals/approval-store.ts";
import type { RouteParts } from "./context.ts";

/** A change that came before we listened, or whose signal was lost, costs no more than this. */
const LOOK_EVERY_MS = 500;

interface Waiting {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** The question once its node has said what came of the answer; as it is at once where nobody has answered, and when the time is over. */
export async function deliveredQuestion(asked: StoredQuestion, { waitMs, signal }: Waiting, { approvals, clock }: Pick<RouteParts, "approvals" | "clock">): Promise<StoredQuestion> {
  const untilMs = clock.monotonicMs() + waitMs;
  using changes = new Changes(approvals);
  for (let known = asked; ; known = await approvals.get(asked.view.id, clock.nowMs()) ?? known) {
    const leftMs = untilMs - clock.monotonicMs();
    if (!isUnderWay(known) || leftMs <= 0 || signal.aborted) return known;
    await changes.next(Math.min(leftMs, LOOK_EVERY_MS), signal);
  }
}

function isUnderWay({ state, delivery }: StoredQuestion): boolean {
  return (state === "allowed" || state === "denied") && delivery === null;
}
