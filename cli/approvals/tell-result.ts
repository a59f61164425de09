import type { DecisionResult } from "../../common/approvals/views.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { unreachable } from "../../common/unreachable.ts";
import type { Io } from "../io.ts";
import { oneLine } from "../terminal-text.ts";

/** Says what became of an answer. @returns the exit code: 0 only if it was the one that decided */
export function tellResult({ result, outcome, by }: DecisionResult, io: Io): number {
  switch (result) {
    case "done": io.err(`${outcome ?? "decided"}`); return EXIT.ok;
    case "late": io.err(`too late: it was ${outcome ?? "decided"}${by === null ? "" : ` by ${oneLine(by)}`}`); return EXIT.failure;
    case "unfit": io.err("that answer is not offered here; `weir approvals show ID` says which are"); return EXIT.failure;
    case "unknown": io.err("there is no such question any more"); return EXIT.failure;
    default: return unreachable(result);
  }
}
