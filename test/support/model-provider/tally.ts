import { billOf, NOTHING, type Generated } from "./bill.ts";

/** One call as the provider itself counted it. Money in nano-dollars. */
export interface CountedCall {
  readonly id: number;
  readonly host: string;
  readonly path: string;
  readonly model: string;
  readonly payers: readonly string[];
  readonly isStream: boolean;
  /** Limit of output tokens that it was sent with, of all choices together; null for none. */
  readonly limit: number | null;
  readonly generated: Generated;
  readonly nanoUsd: bigint;
  /** Why it ended; `open` while it has not. */
  readonly ending: "open" | "stop" | "length" | "dropped" | "left";
}

/** What arrived, whatever became of it. */
export interface Arrival {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Why it was turned away; null if it was served. */
  readonly fault: string | null;
}

/** The provider's books: what it generated for whom, and what that costs. Only goes up, so that the end is the most that ever was. */
export class Tally {
  readonly arrivals: Arrival[] = [];
  readonly #calls: OpenCall[] = [];
  readonly #byPayer = new Map<string, bigint>();
  #total = 0n;

  get calls(): readonly OpenCall[] {
    return this.#calls;
  }

  /** All that was generated, in nano-dollars. */
  get nanoUsd(): bigint {
    return this.#total;
  }

  nanoUsdOf(payer: string): bigint {
    return this.#byPayer.get(payer) ?? 0n;
  }

  get byPayer(): ReadonlyMap<string, bigint> {
    return this.#byPayer;
  }

  begin(facts: CallFacts): OpenCall {
    const call = new OpenCall(this.#calls.length + 1, facts, (more) => {
      this.#total += more;
      for (const payer of facts.payers) this.#byPayer.set(payer, this.nanoUsdOf(payer) + more);
    });
    this.#calls.push(call);
    return call;
  }
}

export type CallFacts = Pick<CountedCall, "host" | "path" | "model" | "payers" | "isStream" | "limit"> & {
  /** Whose prices. */
  readonly provider: string;
  /** In place of the price library's: endpoints that it does not know. */
  readonly flatNanoUsd?: bigint;
};

/** A call that is being answered. */
export class OpenCall implements CountedCall {
  readonly id: number;
  readonly #facts: CallFacts;
  readonly #onMore: (nanoUsd: bigint) => void;
  #generated = NOTHING;
  #nanoUsd = 0n;
  #ending: CountedCall["ending"] = "open";

  constructor(id: number, facts: CallFacts, onMore: (nanoUsd: bigint) => void) {
    this.id = id;
    this.#facts = facts;
    this.#onMore = onMore;
  }

  get host(): string { return this.#facts.host; }
  get path(): string { return this.#facts.path; }
  get model(): string { return this.#facts.model; }
  get payers(): readonly string[] { return this.#facts.payers; }
  get isStream(): boolean { return this.#facts.isStream; }
  get limit(): number | null { return this.#facts.limit; }
  get generated(): Generated { return this.#generated; }
  get nanoUsd(): bigint { return this.#nanoUsd; }
  get ending(): CountedCall["ending"] { return this.#ending; }

  /** As it stands now. */
  get snapshot(): CountedCall {
    const { id, host, path, model, payers, isStream, limit, generated, nanoUsd, ending } = this;
    return { id, host, path, model, payers, isStream, limit, generated, nanoUsd, ending };
  }

  /** Counts what was generated just now, before a byte of it is sent. */
  add(more: Partial<Generated>): void {
    const sum = { ...this.#generated };
    for (const name of Object.keys(NOTHING) as (keyof Generated)[]) sum[name] += more[name] ?? 0;
    this.#generated = sum;
    const nanoUsd = this.#facts.flatNanoUsd ?? billOf(this.#facts.provider, this.#facts.model, sum);
    if (nanoUsd > this.#nanoUsd) this.#onMore(nanoUsd - this.#nanoUsd);
    this.#nanoUsd = nanoUsd;
  }

  end(ending: Exclude<CountedCall["ending"], "open">): void {
    if (this.#ending === "open") this.#ending = ending;
  }
}
