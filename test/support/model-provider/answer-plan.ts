import * as z from "zod";

const tokens = z.number().int().min(0).max(10_000_000);

/** Counts that the provider says in its own usage object instead of the true ones, by the field's own name; `null` leaves a field out. */
const lies = z.record(z.string(), z.unknown());

const fault = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("status"), status: z.number().int().min(400).max(599) }),
  /** The connection is cut after that many output tokens; of an answer that is no stream, in the middle of its body. */
  z.strictObject({ kind: z.literal("drop"), afterTokens: tokens }),
  /** A stream's own error event after that many output tokens, where the API has one; otherwise as `drop`. */
  z.strictObject({ kind: z.literal("error-event"), afterTokens: tokens }),
  /** Nothing is ever answered, and nothing is generated. */
  z.strictObject({ kind: z.literal("silence") }),
]);

/**
 * What the stand-in's model would do, if the request allows it. Sent in the header `x-answer-plan`, or set for all requests that have none.
 */
export const answerPlan = z.strictObject({
  /** What it would say if nothing limited it, in tokens of text. */
  output: tokens.default(20),
  /** Tokens it thinks before; billed as output, and limited as output is. */
  reasoning: tokens.default(0),
  /** Most of the input that comes out of the provider's cache; as much as there is. */
  cached: tokens.default(0),
  /** Most of the rest that is written into the cache, at providers that charge for it. */
  cacheWrite: tokens.default(0),
  /** Tokens of one event of a stream. */
  chunkTokens: z.number().int().min(1).max(100_000).default(5),
  firstAfterMs: z.number().int().min(0).max(60_000).default(0),
  chunkEveryMs: z.number().int().min(0).max(60_000).default(0),
  /** The model that the answer names; what it costs is the price of that. */
  answers: z.string().nullable().default(null),
  fault: fault.nullable().default(null),
  /** `true` to leave the usage out. */
  isUsageMissing: z.boolean().default(false),
  lies: lies.default({}),
  /** The whole usage object in the answer's own text, such as `{"prompt_tokens":1e309}`: for what JSON.stringify cannot say. */
  rawUsage: z.string().nullable().default(null),
  coding: z.enum(["identity", "gzip"]).default("identity"),
});
export type AnswerPlan = z.output<typeof answerPlan>;

/** Name of the header with the plan of one request, as JSON. */
export const PLAN_HEADER = "x-answer-plan";
/** Name of the header with those on whose behalf a request is made, separated by commas: the stand-in counts for each of them. */
export const PAYERS_HEADER = "x-payers";

/** @throws Error for a plan that is none: the test is wrong, not what it tests */
export function readPlan(header: string | undefined, usual: AnswerPlan): AnswerPlan {
  return header === undefined ? usual : answerPlan.parse({ ...usual, ...JSON.parse(header) as object });
}
