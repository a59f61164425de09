import { READINGS } from "../model/readings.ts";
import type { Question } from "./policy-engine.ts";

/** Sets of Rego of one's own in which the library looks for answers, by the package that it asks: `weir.custom.QUESTION`. docs/rego.md says what each is. */
export const ANSWER_SETS = { connection: ["deny", "allow", "ask"], exchange: ["deny", "allow", "ask", "read"], name: ["deny"] } as const satisfies Record<Question, readonly string[]>;
export type AnswerSet = (typeof ANSWER_SETS)["exchange"][number];

/** Keys that an answer in a set must have, and those that it may have besides. */
export interface AnswerKeys {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const LENT = ["grants", "budgets", "obligations"] as const;

/** Of an answer that is written out. One by annotations is given its `rule`, `reason` and `hint`. */
export function answerKeys(question: Question, set: AnswerSet): AnswerKeys {
  const allowed = question === "connection" ? [...LENT, "handling"] : LENT;
  switch (set) {
    case "deny": return { required: ["rule", "reason", "hint"], optional: [] };
    case "allow": return { required: [], optional: ["rule", ...allowed] };
    case "ask": return { required: ["reason"], optional: ["rule", "hint", "timeout_seconds", "scopes", ...allowed] };
    case "read": return { required: ["reading"], optional: ["rule", "max_bytes"] };
  }
}

/** Names in `read`. */
export const READ_NAMES: readonly string[] = READINGS;
