import { USAGE_LIMIT, type ThreadUsage, type UsageAnswer } from "../../common/operator-door.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { ExchangeFacts } from "./metrics.ts";

/** Threads that are remembered; the one that was silent for longest is forgotten first. Only `weir top` reads this: nothing is decided by it. */
const THREAD_LIMIT = 2_000;

interface Tally {
  readonly who: Pick<ThreadUsage, "namespace" | "agent" | "thread">;
  model: string;
  requests: number;
  refusals: number;
  tokens: bigint;
  nanoUsd: bigint;
}

/** What each thread has used since the proxy started. */
export class UsageBoard {
  /** Silent for longest first. */
  readonly #tallies = new Map<string, Tally>();

  /** Counts an exchange that has ended. */
  note({ namespace, agent, thread, outcome, modelUse }: ExchangeFacts): void {
    const tally = this.#latest({ namespace, agent, thread });
    tally.requests += 1;
    if (outcome === "denied") tally.refusals += 1;
    if (modelUse === undefined || modelUse.charged === null) return;
    const { tokens, nanoUsd } = modelUse.charged;
    tally.model = modelUse.model;
    tally.tokens += BigInt(tokens.input + tokens.output);
    tally.nanoUsd += BigInt(nanoUsd ?? 0);
  }

  /** @param open whose connections and requests are open, once for each */
  read(open: readonly AgentIdentity[]): UsageAnswer {
    const counts = new Map<string, number>();
    for (const { namespace, name, thread } of open) {
      const key = keyOf({ namespace, agent: name, thread });
      if (!this.#tallies.has(key)) this.#latest({ namespace, agent: name, thread });
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const newest = [...this.#tallies].slice(-USAGE_LIMIT).toReversed();
    return {
      threads: newest.map(([key, { who, model, requests, refusals, tokens, nanoUsd }]) => (
        { ...who, model, requests, refusals, tokens: String(tokens), nanoUsd: String(nanoUsd), open: counts.get(key) ?? 0 }
      )),
    };
  }

  #latest(who: Tally["who"]): Tally {
    const key = keyOf(who);
    const tally = this.#tallies.get(key) ?? { who, model: "", requests: 0, refusals: 0, tokens: 0n, nanoUsd: 0n };
    this.#tallies.delete(key);
    this.#tallies.set(key, tally);
    const [oldest] = this.#tallies.keys();
    if (this.#tallies.size > THREAD_LIMIT && oldest !== undefined) this.#tallies.delete(oldest);
    return tally;
  }
}

function keyOf({ namespace, agent, thread }: Tally["who"]): string {
  return JSON.stringify([namespace, agent, thread]);
}
