import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { Decision } from "../model/decision.ts";
import type { RecordedShadow } from "../model/record.ts";
import { askAgain, type Asker } from "./ask-again.ts";
import type { PolicyEngine, PolicyInput, Question } from "./policy-engine.ts";

/** Questions that may wait for the shadow at once, and how large they may be together; what comes on top is counted and not asked. */
const WAITING_LIMIT = 256;
const WAITING_LIMIT_BYTES = 16 << 20;
/** A larger question is not asked: making a text of it, for the shadow's thread, would keep everybody waiting. */
const QUESTION_LIMIT_BYTES = 256 << 10;

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
  #waitingBytes = 0;
  readonly #signal = new AbortController();

  constructor(policy: Asker & Pick<PolicyEngine, "revision">, context: ShadowContext) {
    this.#policy = policy;
    this.#context = context;
  }

  /** @param parts what the policy in force was asked: all parts of a body that was read, or the head alone */
  ask(question: Question, parts: readonly PolicyInput[], decision: Decision): ShadowAnswer {
    const { revision } = this.#policy;
    const bytes = sizeOf(parts, QUESTION_LIMIT_BYTES);
    const dropped = this.#reasonToDrop(bytes);
    if (dropped !== null) {
      this.#context.count(question, "dropped", null);
      return answered({ revision, outcome: "failed", rule: null, reason: dropped });
    }
    const answer = { recorded: null as RecordedShadow | null, late: { revision, outcome: "failed" as const, rule: null, reason: "not yet answered" } };
    const settled = this.#answer(question, parts, revision).then((recorded) => {
      answer.recorded = recorded;
      this.#context.count(question, verdictOf(decision, recorded), recorded.rule);
    });
    this.#waiting.add(settled);
    this.#waitingBytes += bytes;
    void settled.finally(() => {
      this.#waiting.delete(settled);
      this.#waitingBytes -= bytes;
    });
    return Object.assign(answer, { settled });
  }

  /** Waits for what was asked; every answer has a deadline. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  #reasonToDrop(bytes: number): string | null {
    if (bytes > QUESTION_LIMIT_BYTES) return "the question is too large";
    return this.#waiting.size >= WAITING_LIMIT || this.#waitingBytes + bytes > WAITING_LIMIT_BYTES ? "too many questions waited" : null;
  }

  /** Of parts as the boundary decides about them (exchange/agree.ts): a deny of one is a deny of all, else an ask, else an allow. */
  async #answer(question: Question, parts: readonly PolicyInput[], revision: string): Promise<RecordedShadow> {
    let strictest: RecordedShadow | null = null;
    try {
      for (const part of parts) {
        const again = await askAgain(this.#policy, question, part, this.#signal.signal);
        if (again.kind === "undecided") return { revision, outcome: "failed", rule: null, reason: again.reason };
        const said = { revision: again.revision, outcome: again.kind, rule: again.rule };
        if (said.outcome === "deny") return said;
        if (strictest === null || strictest.outcome === "allow") strictest = said;
      }
      return strictest ?? { revision, outcome: "failed", rule: null, reason: "nothing was asked" };
    } catch (error) {
      this.#context.log.debug("policy.shadow-failed", { error: describeError(error) });
      return { revision, outcome: "failed", rule: null, reason: "it could not be evaluated" };
    }
  }
}

/** About how many bytes a value is as a text. Not counted to the end once it is more than the limit. */
function sizeOf(value: unknown, limit: number): number {
  const left: unknown[] = [value];
  let bytes = 0;
  while (left.length > 0 && bytes <= limit) {
    const next = left.pop();
    bytes += typeof next === "string" ? next.length : 8;
    if (typeof next !== "object" || next === null) continue;
    for (const [key, item] of Object.entries(next)) {
      bytes += key.length;
      left.push(item);
    }
  }
  return bytes;
}

function answered(recorded: RecordedShadow): ShadowAnswer {
  return { recorded, late: recorded, settled: Promise.resolve() };
}

function verdictOf({ kind }: Decision, { outcome }: RecordedShadow): ShadowVerdict {
  if (outcome === "failed") return "failed";
  // What could not be read was refused.
  if (kind === outcome || (kind === "read" && outcome === "deny")) return "agrees";
  return `would-${outcome}`;
}
