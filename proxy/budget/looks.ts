import type { AccountSpec } from "../../common/ledger/account.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import { CLAIMS_LIMIT } from "../../common/ledger/wire.ts";
import { describeError } from "../../common/lifecycle.ts";
import { within } from "./bounded.ts";
import type { LedgerContext } from "./ledger-context.ts";
import type { Limit } from "./limits.ts";
import { Purse } from "./purse.ts";

/** A count of which nothing is held here is looked up again after so long, if somebody asks. */
const FRESH_MS = 10_000;

/** A count that policy may look at, with its purse if anybody here was charged to it. */
export interface Shown {
  readonly limit: Limit;
  readonly spec: AccountSpec;
  readonly purse: Purse | undefined;
}

interface Look {
  /** Holds nothing; it knows. */
  readonly purse: Purse;
  askedAtMs: number;
  asking: Promise<void> | null;
  /** Something is known, so that nobody need wait. */
  isTold: boolean;
}

interface LooksParts extends LedgerContext {
  /** How counts stand, by key; those that nobody was ever charged to are left out. */
  readonly ask: (keys: readonly string[]) => Promise<readonly Standing[]>;
  readonly purses: ReadonlyMap<string, Purse>;
  /** Most counts that are known of at a time. */
  readonly most: number;
}

/** Learns from the store how counts stand of which nothing is held here, for policy to look at. Nothing is charged by what is learnt. */
export class Looks {
  readonly #parts: LooksParts;
  readonly #looks = new Map<string, Look>();

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** Of the purses of a count the one that knows how it stands. */
  informed({ spec: { key }, purse }: Shown): Purse | undefined {
    return purse?.isTold === true ? purse : this.#looks.get(key)?.purse ?? purse;
  }

  /** Asks, behind the back of whoever looks, for what is old. What slices are held of, their reports tell of. */
  refresh(shown: readonly Shown[]): void {
    const nowMs = this.#parts.clock.monotonicMs();
    const due = shown.filter(({ spec: { key }, purse }) => {
      const look = this.#looks.get(key);
      return (purse === undefined || purse.slices.length === 0) && (look === undefined || nowMs - look.askedAtMs >= FRESH_MS);
    });
    for (let at = 0; at < due.length; at += CLAIMS_LIMIT) this.#ask(due.slice(at, at + CLAIMS_LIMIT), nowMs);
  }

  /** @returns null if something is known of all; else what resolves when it is, or no answer came in time. Never rejects */
  told(shown: readonly Shown[]): Promise<void> | null {
    const first = new Set(shown.flatMap(({ spec: { key } }) => {
      const look = this.#looks.get(key);
      return look === undefined || look.isTold || look.asking === null ? [] : [look.asking];
    }));
    return first.size === 0 ? null : within(this.#parts.timing.deadlineMs, Promise.all(first));
  }

  /** Limits are others now. */
  forget(): void {
    this.#looks.clear();
  }

  #ask(due: readonly Shown[], nowMs: number): void {
    if (this.#looks.size + due.length > this.#parts.most) this.#looks.clear();
    const looks = due.map((one) => this.#lookOf(one));
    const asking = this.#hear(looks).catch((error: unknown) => { this.#parts.log.debug("ledger.unseen", { error: describeError(error) }); });
    for (const look of looks) {
      look.askedAtMs = nowMs;
      look.asking = asking.finally(() => { look.asking = null; });
    }
  }

  #lookOf({ limit, spec, purse }: Shown): Look {
    let look = this.#looks.get(spec.key);
    if (look === undefined) this.#looks.set(spec.key, look = { purse: new Purse(limit, spec), askedAtMs: 0, asking: null, isTold: purse?.isTold === true });
    return look;
  }

  async #hear(looks: readonly Look[]): Promise<void> {
    const standings = await this.#parts.ask(looks.map(({ purse: { key } }) => key));
    const found = new Map(standings.map((standing) => [standing.account.key, standing]));
    for (const look of looks) {
      look.isTold = true;
      const standing = found.get(look.purse.key);
      if (standing !== undefined) for (const purse of [look.purse, this.#parts.purses.get(look.purse.key)]) purse?.look(standing);
    }
  }
}
