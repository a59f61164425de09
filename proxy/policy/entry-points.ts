import type { Question } from "./policy-engine.ts";

/** Where a bundle answers each question. */
export const ENTRY_POINTS: Readonly<Record<Question, string>> = {
  connection: "weir/connection/decision",
  exchange: "weir/exchange/decision",
  name: "weir/name/decision",
};
