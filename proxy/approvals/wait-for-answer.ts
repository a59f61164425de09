import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { RecordedApproval } from "../model/record.ts";
import type { Question } from "./question.ts";

/** Until when a request waits, and who hears that it has left before its answer came. */
interface Staying {
  readonly signal: AbortSignal;
  readonly onLeft: (question: Question) => void;
}

/** Waits at the question until whoever ends it resolves or rejects. @throws the signal's reason, and what the question is rejected with */
export async function waitForAnswer(question: Question, clock: Clock, { signal, onLeft }: Staying): Promise<RecordedApproval> {
  const { promise, resolve, reject } = Promise.withResolvers<RecordedApproval>();
  const waiter = { sinceMs: clock.monotonicMs(), resolve, reject };
  question.waiter = waiter;
  const leave = () => {
    if (question.waiter === waiter) {
      question.waiter = null;
      onLeft(question);
    }
    reject(EgressError.from(signal.reason));
  };
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
