import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { Decision } from "../model/decision.ts";
import type { RecordedShadow } from "../model/record.ts";
import { askAgain, type Asker } from "./ask-again.ts";
import type { PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";

/** Questions that may wait for the shadow at once; what comes on top is counted and not asked. */
const WAITING_LIMIT = 256;

/** How a shadow's answer stands to the decision in force. `failed`: it gave none, or could not. */
export type ShadowVerdict = "agrees" | "would-deny" | "would-allow" | "would-ask" | "failed" | "dropped";

/** Counts answers of the shadow. */
export type CountShadow = (question: Question, verdict: ShadowVerdict, rule: string | null) => void;

export interface ShadowAnswer {
  /** Null until there is an answer, or the certainty that there is none. */
  readonly recorded: RecordedShadow | null;
  /** What is recorded where nobody can wait any longer. */
  readonly late: RecordedShadow;
  readonly settled: Promise<void>;
}

export interface ShadowContext {
  readonly log: Log;
  readonly count: CountShadow;
}

/**
 * Asks a second policy what the one in force was asked, and only tells: no request waits for it, and none is refused because of it.
 */
export class Shadow {
  readonly #policy: Asker & Pick<PolicyEngine, "revision">;
  readonly #context: ShadowContext;
  readonly #waiting = new Set<Promise<void>>();
  readonly #signal = new AbortController();

  constructor(policy: Asker & Pick<PolicyEngine, "revision">, context: ShadowContext) {
    this.#policy = policy;
    this.#context = context;
  }

  /** @param input the last that the policy in force was asked */
  ask(question: Question, input: PolicyInput, decision: Decision): ShadowAnswer {
    const { revision } = this.#policy;
    if (this.#waiting.size >= WAITING_LIMIT) {
      this.#context.count(question, "dropped", null);
      return answered({ revision, outcome: "failed", rule: null, reason: "too many questions waited" });
    }
    const answer = { recorded: null as RecordedShadow | null, late: { revision, outcome: "failed" as const, rule: null, reason: "not yet answered" } };
    const settled = this.#answer(question, input, revision).then((recorded) => {
      answer.recorded = recorded;
      this.#context.count(question, verdictOf(decision, recorded), recorded.rule);
    });
    this.#waiting.add(settled);
    void settled.finally(() => { this.#waiting.delete(settled); });
    return Object.assign(answer, { settled });
  }

  /** Waits for what was asked; every answer has a deadline. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  async #answer(question: Question, input: PolicyInput, revision: string): Promise<RecordedShadow> {
    try {
      const again = await askAgain(this.#policy, question, input, this.#signal.signal);
      if (again.kind === "undecided") return { revision, outcome: "failed", rule: null, reason: again.reason };
      return { revision: again.revision, outcome: again.kind, rule: again.rule };
    } catch (error) {
      this.#context.log.debug("policy.shadow-failed", { error: describeError(error) });
      return { revision, outcome: "failed", rule: null, reason: "it could not be evaluated" };
    }
  }
}

function answered(recorded: RecordedShadow): ShadowAnswer {
  return { recorded, late: recorded, settled: Promise.resolve() };
}

function verdictOf({ kind }: Decision, { outcome }: RecordedShadow): ShadowVerdict {
  if (outcome === "failed") return "failed";
  if (kind === outcome) return "agrees";
  return `would-${outcome}`;
}
