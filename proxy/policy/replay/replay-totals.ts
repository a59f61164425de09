import type { Replayed } from "./past-decision.ts";

/** What would become of a decision. */
export const CHANGES = ["deny", "allow", "ask"] as const;
export type Change = (typeof CHANGES)[number];

export interface ReplayExample {
  readonly id: string;
  readonly time: string;
  readonly agent: string;
  readonly subject: string;
  readonly from: { readonly verdict: string; readonly rule: string };
  readonly to: { readonly verdict: string; readonly rule: string };
}

export interface ChangeTotals {
  readonly total: number;
  /** Rule that decides then → how often; the agents likewise. */
  readonly rules: Readonly<Record<string, number>>;
  readonly agents: Readonly<Record<string, number>>;
  readonly examples: readonly ReplayExample[];
}

export interface ReplayReport {
  readonly revision: string;
  readonly basis: string;
  readonly decisions: number;
  readonly unchanged: number;
  /** Of those, by another rule. */
  readonly otherRule: number;
  readonly newly: Readonly<Record<Change, ChangeTotals>>;
  /** Not counted above: why, and how often; one decision may have several reasons. */
  readonly uncertain: { readonly total: number; readonly reasons: Readonly<Record<string, number>>; readonly examples: readonly string[] };
  readonly withoutInput: number;
}

const EXAMPLES = 5;
/** Different rules, agents and reasons that are counted by name; the memory of a long replay has an end. */
const NAMES_LIMIT = 1_000;

/** Counts what a replay finds. Its size does not grow with the number of decisions. */
export class ReplayTotals {
  #decisions = 0;
  #unchanged = 0;
  #otherRule = 0;
  #withoutInput = 0;
  #uncertain = 0;
  readonly #reasons = new Counts();
  readonly #uncertainIds: string[] = [];
  readonly #newly = { deny: new Changes(), allow: new Changes(), ask: new Changes() };

  add(replayed: Replayed): void {
    const { past, verdict, rule, doubts } = replayed;
    this.#decisions += 1;
    if (past.input === null && verdict === null) this.#withoutInput += 1;
    else if (doubts.length > 0 || verdict === null) this.#addUncertain(past.id, doubts);
    else if (verdict === past.verdict) this.#addUnchanged(rule === past.rule);
    else this.#newly[verdict].add(replayed);
  }

  report(revision: string, basis: string): ReplayReport {
    const { deny, allow, ask } = this.#newly;
    return {
      revision, basis, decisions: this.#decisions, unchanged: this.#unchanged, otherRule: this.#otherRule,
      newly: { deny: deny.totals(), allow: allow.totals(), ask: ask.totals() },
      uncertain: { total: this.#uncertain, reasons: this.#reasons.sorted(), examples: this.#uncertainIds }, withoutInput: this.#withoutInput,
    };
  }

  #addUnchanged(isSameRule: boolean): void {
    this.#unchanged += 1;
    if (!isSameRule) this.#otherRule += 1;
  }

  #addUncertain(id: string, doubts: readonly string[]): void {
    this.#uncertain += 1;
    for (const doubt of doubts) this.#reasons.add(doubt);
    if (this.#uncertainIds.length < EXAMPLES) this.#uncertainIds.push(id);
  }
}

class Changes {
  #total = 0;
  readonly #rules = new Counts();
  readonly #agents = new Counts();
  readonly #examples: ReplayExample[] = [];

  add({ past, verdict, rule }: Replayed): void {
    this.#total += 1;
    // An allow has many rules by nature; what changes is what no longer holds.
    this.#rules.add(verdict === "allow" ? past.rule : rule ?? "");
    this.#agents.add(past.agent);
    if (this.#examples.length >= EXAMPLES) return;
    const { id, timeMs, agent, subject } = past;
    this.#examples.push({
      id, time: new Date(timeMs).toISOString(), agent, subject, from: { verdict: past.verdict ?? "", rule: past.rule }, to: { verdict: verdict ?? "", rule: rule ?? "" },
    });
  }

  totals(): ChangeTotals {
    return { total: this.#total, rules: this.#rules.sorted(), agents: this.#agents.sorted(), examples: this.#examples };
  }
}

/** Counts by name, with an end. */
export class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    const key = this.#counts.has(name) || this.#counts.size < NAMES_LIMIT ? name : "(others)";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Most frequent first. */
  sorted(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([, left], [, right]) => right - left));
  }
}
