import { setTimeout as pause } from "node:timers/promises";
import { formatUsd } from "../../common/money.ts";
import { seeded, type ProofOptions, type ProofResult } from "../support/proof.ts";
import { probeExactness } from "./race/exactness.ts";
import { judgeEnd, judgeRefusals, judgeSample } from "./race/judge.ts";
import { LedgerBook } from "./race/ledger-book.ts";
import { sendUntilAnswered, type Outcome, type Told } from "./race/load.ts";
import { planRound, type PlannedRequest } from "./race/plan.ts";
import { Sampler } from "./race/sampler.ts";
import { openSetting, type Caps, type Setting } from "./race/setting.ts";
import { Trouble } from "./race/trouble.ts";

interface Size {
  readonly proxies: number;
  readonly rounds: number;
  /** Of one round, all in flight at once. */
  readonly requests: number;
  readonly threads: number;
  readonly teams: number;
  /** Of one round. */
  readonly kills: number;
  readonly cuts: number;
}

const FULL: Size = { proxies: 4, rounds: 20, requests: 500, threads: 100, teams: 5, kills: 10, cuts: 1 };
const QUICK: Size = { proxies: 3, rounds: 2, requests: 120, threads: 24, teams: 3, kills: 3, cuts: 1 };

/** What of all that a round would hold its budgets are: a tenth of it fits, as most give back much of what they held. More for each team, and much more for each thread. */
const SHARE = { org: 40n, team: 28n, thread: 2n } as const;
/** A lease that nobody speaks of ends after this; stuck money must be back by then. */
const LEASE_TTL_MS = 30_000;

/**
 * Many agents race for budgets that fit a tenth of what they ask for, through several proxies on one real PostgreSQL, while proxies are killed and the
 * ledger's connections are cut. By the provider's own count no budget ever pays a nano-dollar more than its limit; refusals are exact; when all is over,
 * nothing is stuck, and the ledger's count is the provider's but for what it marks as estimates.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const size = quick ? QUICK : FULL;
  const random = seeded(seed);
  const rounds = Array.from({ length: size.rounds }, (_, round) => planRound({ round, ...size }, random));
  const caps = capsFor(rounds[0] ?? [], size);
  print(`  caps of the first round: org $${formatUsd(caps.org)}, team $${formatUsd(caps.team)}, thread $${formatUsd(caps.thread)}`);
  const setting = await openSetting(size.proxies, caps);
  const book = await LedgerBook.open(setting.postgres.url, { ...caps });
  try {
    return await race({ setting, book, size, rounds, random, print });
  } finally {
    await book.close();
    await setting.close();
  }
}

interface Course {
  readonly setting: Setting;
  readonly book: LedgerBook;
  readonly size: Size;
  readonly rounds: readonly (readonly PlannedRequest[])[];
  readonly random: () => number;
  readonly print: (line: string) => void;
}

function capsFor(requests: readonly PlannedRequest[], { threads, teams }: Size): Caps {
  const whole = requests.reduce((sum, { heldAtMostNano }) => sum + heldAtMostNano, 0n);
  return { org: whole / SHARE.org, team: whole / SHARE.team / BigInt(teams), thread: whole / SHARE.thread / BigInt(threads) };
}

async function race(course: Course): Promise<ProofResult> {
  const { setting, book, rounds, size, random, print } = course;
  const trouble = new Trouble(setting.fleet, setting.postgres, random);
  const sampler = new Sampler(setting.provider, book);
  const tolds: Told[] = [];
  for (const [number, requests] of rounds.entries()) {
    if (number > 0) await topUp(course, requests);
    const restart = number === Math.floor(size.rounds / 2) ? trouble.restartLedger() : Promise.resolve();
    const [told] = await Promise.all([runRound(course, requests), trouble.make(size), restart]);
    tolds.push(...told);
    for (const { detail } of told.filter(({ outcome }) => outcome === "odd").slice(0, 3)) print(`    odd: ${detail}`);
    print(`  round ${number + 1}: ${describeOutcomes(told)}; ${trouble.kills} kills so far`);
  }
  await setting.fleet.settled();
  const stuckMs = await untilNothingIsOut(book);
  const refusals = await probeExactness(setting, random);
  await untilNothingIsOut(book);
  const end = await sampler.stop();
  print(`  ${describeOutcomes(tolds)}; ${sampler.count} samples; paid $${formatUsd(end.spent.get("org") ?? 0n)} of $${formatUsd(end.ledger.find(({ payer }) => payer === "org")?.limit ?? 0n)}`);
  const problems = [
    ...sampler.problems, ...book.problems, ...judgeSample(end), ...judgeEnd(end), ...judgeRefusals(refusals, end.ledger),
    ...(refusals.length === 0 ? ["no refusal was tried for exactness"] : []), ...judgeTolds(tolds), ...(stuckMs <= LEASE_TTL_MS ? [] : ["money is stuck after a lease's time"]),
  ];
  for (const problem of [...new Set(problems)].slice(0, 30)) print(`  FAIL ${problem}`);
  const overspent = sampler.problems.filter((problem) => problem.includes("OVERSPENT")).length;
  return { holds: problems.length === 0, figure: figureOf({ tolds, trouble, sampler, stuckMs, overspent, refusals: refusals.length }) };
}

function figureOf(seen: { tolds: readonly Told[]; trouble: Trouble; sampler: Sampler; stuckMs: number; overspent: number; refusals: number }): string {
  const { tolds, trouble, sampler, stuckMs, overspent, refusals } = seen;
  const over = overspent === 0 ? "overspend 0 nano-dollars" : `OVERSPENT in ${overspent} samples`;
  return `${tolds.length} requests, ${trouble.kills} kills of proxies, ${trouble.cutConnections} cuts and ${trouble.ledgerRestarts} restarts of the ledger: ${over} in ${sampler.count} samples, `
    + `${refusals} refusals exact, stuck money back after ${(stuckMs / 1_000).toFixed(1)} s`;
}

/** All at once. */
async function runRound({ setting, random }: Course, requests: readonly PlannedRequest[]): Promise<readonly Told[]> {
  return Promise.all(requests.map(async (planned) => sendUntilAnswered(setting.agents, setting.fleet, planned, random)));
}

async function topUp({ book, size }: Course, requests: readonly PlannedRequest[]): Promise<void> {
  const { org, team } = capsFor(requests, size);
  await book.topUp("org", org);
  await book.topUp("team", team);
}

/** @returns how long it took until the ledger holds nothing for anybody, in milliseconds */
async function untilNothingIsOut(book: LedgerBook): Promise<number> {
  const startedAtMs = performance.now();
  while (performance.now() - startedAtMs <= LEASE_TTL_MS) {
    if ((await book.read()).every(({ outstanding, lost }) => outstanding + lost === 0n)) break;
    await pause(100);
  }
  return performance.now() - startedAtMs;
}

function describeOutcomes(tolds: readonly Told[]): string {
  const count = (wanted: Outcome) => tolds.filter(({ outcome }) => outcome === wanted).length;
  const names: readonly Outcome[] = ["answered", "left", "refused", "provider-error", "unavailable", "lost", "odd"];
  return names.map((name) => `${count(name)} ${name}`).join(", ");
}

/** Some must get through and most must not; and nothing may happen that has no name. */
function judgeTolds(tolds: readonly Told[]): readonly string[] {
  const count = (wanted: Outcome) => tolds.filter(({ outcome }) => outcome === wanted).length;
  return [
    ...tolds.filter(({ outcome }) => outcome === "odd").map(({ detail }) => `odd answer: ${detail}`),
    ...(count("answered") > 0 ? [] : ["nothing was answered"]), ...(count("refused") > count("answered") ? [] : ["the caps refused too little to be tried"]),
  ];
}
