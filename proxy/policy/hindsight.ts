import type { Decision } from "../model/decision.ts";
import type { RecordedDecision } from "../model/record.ts";
import { keepInput, type InputLevel, type Scrub } from "./keep-input.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import type { Shadow, ShadowAnswer } from "./shadow.ts";

/** What policy was asked, in turn: once by the head, then once for each part of a body that was read, and the part that was denied once more. At least one. */
export type Asked = readonly [PolicyInput, ...PolicyInput[]];

/** One decision, looked at afterwards: what it was made on, and what a second policy would have decided. */
export interface Noted {
  /** Settles when the shadow has answered or never will; null if nobody waits for one. Never rejects. */
  readonly pending: Promise<void> | null;
  /** For the record of the decision. */
  recorded(scrub: Scrub): Pick<RecordedDecision, "input" | "shadow">;
}

/** Keeps what a decision was made on, so that it can be made again: by a shadow right away, by `weir policy replay` and `weir explain` later. */
export interface Hindsight {
  /** Takes note of a decision, and asks the shadow. Waits for nothing, never throws. */
  note(question: Question, asked: Asked, decision: Decision): Noted;
}

/** Keeps nothing and asks nobody. */
export const noHindsight: Hindsight = { note: () => ({ pending: null, recorded: () => ({}) }) };

/** @param level how much of the input is kept @param shadow null where no second policy is asked */
export function openHindsight(level: InputLevel, shadow: Pick<Shadow, "ask"> | null): Hindsight {
  return {
    note: (question, asked, decision) => {
      const parts = [...new Set(asked.filter(({ read }) => read !== undefined))];
      const decisive = decisiveOf(asked, decision);
      const hasOthers = parts.length > 1;
      const answer = shadow?.ask(question, parts.length === 0 ? [decisive] : parts, decision) ?? null;
      return {
        get pending() { return answer === null || answer.recorded !== null ? null : answer.settled; },
        recorded: (scrub) => ({ ...inputOf(decisive, { level, scrub, hasOthers }), ...shadowOf(answer) }),
      };
    },
  };
}

/** The input that the decision hangs on: of the parts of a body the one that was denied, which is the last that was noted; else the first. */
function decisiveOf(asked: Asked, decision: Decision): PolicyInput {
  const [first] = asked;
  const parts = asked.filter(({ read }) => read !== undefined);
  return (decision.kind === "deny" ? parts.at(-1) : parts[0]) ?? asked.at(-1) ?? first;
}

interface Keeping {
  readonly level: InputLevel;
  readonly scrub: Scrub;
  /** Of a body with several parts one is kept; that there were others is said like anything else that was left out. */
  readonly hasOthers: boolean;
}

function inputOf(decisive: PolicyInput, { level, scrub, hasOthers }: Keeping): Pick<RecordedDecision, "input"> {
  const input = keepInput(decisive, level, scrub);
  if (input === undefined) return {};
  return { input: hasOthers ? { ...input, redacted: [...input.redacted, OTHER_PARTS] } : input };
}

/** Stands in `redacted` for further parts of a batch; it is no field of the input. */
export const OTHER_PARTS = "input.parts";

function shadowOf(answer: ShadowAnswer | null): Pick<RecordedDecision, "shadow"> {
  return answer === null ? {} : { shadow: answer.recorded ?? answer.late };
}
