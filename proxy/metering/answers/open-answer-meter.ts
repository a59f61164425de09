import type { AnswerMeter } from "../../model/metered-call.ts";
import type { HeaderList } from "../../model/request.ts";
import type { AnswerContext } from "./answer-context.ts";
import { RefusedAnswer } from "./refused-answer.ts";
import { WatchedAnswer } from "./watched-answer.ts";

export type { AnswerContext, AnswerLimits } from "./answer-context.ts";

/** Answers of these statuses cost nothing: the provider refused before it wrote a token, or sent the client elsewhere. */
function isFreeOfCharge(status: number): boolean {
  return status >= 300;
}

/**
 * Begins to watch one answer.
 * @param status 0 if no answer came
 * @param headers lower case
 */
export function openAnswerMeter(context: AnswerContext, status: number, headers: HeaderList): AnswerMeter {
  return isFreeOfCharge(status) ? new RefusedAnswer(context.facts.model) : new WatchedAnswer(context, headers);
}
