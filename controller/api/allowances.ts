import { accountKey } from "../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../common/ledger/account.ts";
import { LedgerUnavailable, type LedgerStore } from "../../common/ledger/ledger-store.ts";
import { describeAmount, METERS, parseAmount, type Amounts, type MeterName } from "../../common/meters.ts";
import { formatUsd } from "../../common/money.ts";
import type { AllowanceSpec } from "../resources/meta.ts";
import { ApiProblem } from "./problem.ts";

/** Allowances as people write them in requests and answers: `{usd: "2.00", tokens: "100000"}`. */
export type WrittenAllowance = { readonly [meter in MeterName]?: string | undefined };

/** @param written as a request has it, or the spec of a resource; checked by its schema. @throws ApiProblem for what is no amount of its meter */
export function amountsIn(written: WrittenAllowance | AllowanceSpec | undefined): Amounts {
  return Object.fromEntries(Object.entries(written ?? {}).flatMap(([meter, text]) => {
    if (text === undefined) return [];
    const amount = parseAmount(meter as MeterName, String(text));
    if (amount === null) throw new ApiProblem("request.malformed", `allowance.${meter} is no amount of ${meter}`, { rule: "request.schema" });
    return [[meter, amount]];
  }));
}

/** As a Thread has it: whole numbers, dollars as a text. @throws ApiProblem for more than a number of JSON holds exactly */
export function specOfAmounts(amounts: Amounts): AllowanceSpec {
  return Object.fromEntries((Object.entries(amounts) as [MeterName, bigint][]).map(([meter, amount]) => {
    if (meter === "usd") return [meter, formatUsd(amount)];
    if (amount > BigInt(Number.MAX_SAFE_INTEGER)) throw new ApiProblem("request.unfit", `allowance.${meter} is too much for a thread`, { rule: "spawn.allowance" });
    return [meter, Number(amount)];
  })) as AllowanceSpec;
}

export function writtenAllowance(spec: AllowanceSpec | undefined): WrittenAllowance | null {
  if (spec === undefined) return null;
  return Object.fromEntries(Object.entries(spec).flatMap(([meter, amount]) => (amount === undefined ? [] : [[meter, String(amount)]])));
}

/** What a child shall get: what was asked for, within what the right to spawn allows for one child; of meters that were not asked for, all of that. */
export function wantedAllowance(asked: Amounts, right: Amounts): Amounts {
  for (const meter of METERS) {
    const [wish, most] = [asked[meter], right[meter]];
    if (wish === undefined || most === undefined || wish <= most) continue;
    const hint = "ask for less, or raise spawn[].allowance of the Agent";
    throw new ApiProblem("access.denied", `one child may be given at most ${describeAmount(meter, most)}`, { rule: "spawn.allowance", hint });
  }
  return { ...right, ...asked };
}

/** The least of several allowances, by meter: what a thread has if those above it are counted, too. */
export function least(allowances: readonly Amounts[]): Amounts {
  const meters = METERS.filter((meter) => allowances.some((allowance) => allowance[meter] !== undefined));
  return Object.fromEntries(meters.map((meter) => [meter, allowances.flatMap((allowance) => allowance[meter] ?? []).reduce((one, other) => (one < other ? one : other))]));
}

/** Asks for nothing and learns how a count stands. */
const LOOKING = "controller";
/** As the node proxies have it (proxy/budget/limits.ts): the count is theirs. */
const TOLD_AT = [50, 80, 100].map((percent) => ({ percent, action: "notify" } as const));

/** What a thread can still spend of its allowance, by the ledger; nothing is known of a ledger that does not answer. */
export async function leftToSpend(ledger: LedgerStore, thread: readonly [namespace: string, agent: string, thread: string], allowance: Amounts): Promise<Amounts> {
  const accounts = (Object.entries(allowance) as [MeterName, bigint][]).map(([meter, limit]): AccountSpec => {
    const budget = `thread.allowance.${meter}`;
    const key = accountKey({ budget, meter, window: "thread", scope: "thread", shared: thread });
    return { key, budget, meter, limit, window: "thread", timezone: "UTC", thresholds: TOLD_AT };
  });
  if (accounts.length === 0) return {};
  try {
    const answer = await ledger.acquire(LOOKING, accounts.map((account) => ({ account, windowStartMs: null, known: 0n, need: 0n, want: 0n })));
    const stands = answer.kind === "granted" ? answer.grants : answer.shortages;
    return Object.fromEntries(stands.flatMap(({ key, limit, settled, outstanding }) => {
      const meter = accounts.find((account) => account.key === key)?.meter;
      const left = limit - settled - outstanding;
      return meter === undefined ? [] : [[meter, left > 0n ? left : 0n]];
    }));
  } catch (error) {
    if (error instanceof LedgerUnavailable) return {};
    throw error;
  }
}
