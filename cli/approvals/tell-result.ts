import type { AnswerResult } from "../../common/approvals/views.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { unreachable } from "../../common/unreachable.ts";
import type { Io } from "../io.ts";
import { oneLine } from "../terminal-text.ts";

/** Says what became of an answer, and of the request. @returns the exit code: 0 only if it was the answer that decided */
export function tellResult({ result, outcome, by, delivery }: AnswerResult, io: Io): number {
  switch (result) {
    case "done": io.err(`${outcome ?? "decided"}: ${cameOf(delivery, outcome === "allowed")}`); return EXIT.ok;
    case "late": io.err(`too late: it was ${outcome ?? "decided"}${by === null ? "" : ` by ${oneLine(by)}`}`); return EXIT.failure;
    case "unfit": io.err("that answer is not offered here; `weir approvals show ID` says which are"); return EXIT.failure;
    case "unknown": io.err("there is no such question any more"); return EXIT.failure;
    default: return unreachable(result);
  }
}

function cameOf(delivery: AnswerResult["delivery"], isAllowed: boolean): string {
  switch (delivery) {
    case "went-on": return "the request went on";
    case "refused": return isAllowed ? "but the request was refused all the same; its record says why (`weir explain`)" : "the request was refused";
    case "client-left": return "its client has left, the next try finds the answer";
    case "too-late": return "the request was over before the answer came; what follows of the thread goes on";
    case "lost": return "but the proxy where it waited has ended";
    case null: return "the proxy where it waits has not said yet what came of it";
    default: return unreachable(delivery);
  }
}
