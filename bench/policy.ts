import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { systemClock } from "../common/clock.ts";
import { readEnvironment } from "../common/config.ts";
import { silentLog } from "../common/log.ts";
import { compileData } from "../proxy/policy/compile-data.ts";
import { policyConfig } from "../proxy/policy/config.ts";
import { policyData } from "../proxy/policy/data.ts";
import { ReloadingPolicyEngine } from "../proxy/policy/engine.ts";
import type { openEvaluator } from "../proxy/policy/open-evaluator.ts";
import { findOpa } from "../proxy/policy/opa.ts";
import { readDefaultBundle } from "../proxy/policy/shipped-files.ts";
import { ThreadedPolicy } from "../proxy/policy/threaded-policy.ts";
import { compileProgram, WasmPolicy } from "../proxy/policy/wasm-policy.ts";
import { anInput, byAgent, entries } from "./policy/inputs.ts";
import { OpaServer } from "./policy/opa-server.ts";
import { causeOf, CollectionWatch, type Cause, type Collection, type SlowDecision } from "./policy/slow-decisions.ts";
import { threadTimeMs } from "./policy/thread-time.ts";

/** Microseconds of one decision, and what the process spent on it, garbage collection and other threads included. */
export interface PolicyResult {
  readonly scenario: string;
  readonly decisions: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  readonly maxMicros: number;
  readonly cpuMicros: number;
  /** Decisions that took more than 5 ms by the clock. */
  readonly over5Ms: Causes;
  /** Those of which the thread worked as long: what the machine did elsewhere meanwhile is not in it, garbage collection of the thread is. */
  readonly over5MsOfCpu: Causes;
  /** Time of the collector of garbage, in all, for each decision, and its longest stretch. */
  readonly garbageMicros: number;
  readonly longestGarbageMs: number;
}

/** How many decisions took long over what: what most of their time went to. */
type Causes = Readonly<Partial<Record<Cause, number>>>;

export interface PolicyBenchOptions {
  /** Decisions measured for each scenario. */
  readonly decisions: number;
  /** Decisions of the one scenario that is asked a great many times; none if 0. */
  readonly many: number;
}

const WARM_UP = 5_000;
const MANY_ENTRIES = 10_000;
const SLOW_MS = 5;
/** The runtime tells of garbage between turns only; a proxy has a turn for each few decisions as well. */
const DECISIONS_PER_TURN = 1_000;

type Decide = (count: number) => Promise<unknown>;

/** Decisions of the default library on an input of 1.5 KB, each by another agent so that none comes from memory, asked the way the proxy asks; beside them OPA's own server. */
export async function run(options: PolicyBenchOptions): Promise<PolicyResult[]> {
  const signal = new AbortController().signal;
  const asks = (engine: ReloadingPolicyEngine, host: string, method = "GET"): Decide => {
    const input = anInput(host, method);
    return async (count) => engine.decide("exchange", byAgent(input, count), signal);
  };
  const usual = await engineWith(entries(20));
  const large = await engineWith(entries(MANY_ENTRIES));
  const apart = await engineWith(entries(20), async (bundle, limits, clock) => ThreadedPolicy.open({ program: await compileProgram(bundle), limits }, { threads: 2, clock }));
  const asked = anInput("api-7.example.com", "GET");
  const scenarios: [string, Decide][] = [
    ["exchange allowed", asks(usual, "api-7.example.com")], ["exchange denied by method", asks(usual, "api-7.example.com", "DELETE")],
    ["exchange denied, unknown host", asks(usual, "elsewhere.test")], [`exchange allowed, ${MANY_ENTRIES} entries`, asks(large, "api-7777.example.com")],
    ["exchange allowed, asked before", async () => usual.decide("exchange", asked, signal)], ["exchange allowed, in a thread of its own", asks(apart, "api-7.example.com")],
  ];
  const results: PolicyResult[] = [];
  for (const [scenario, decide] of scenarios) results.push(await measure(scenario, decide, options.decisions));
  results.push(...await besideOpa(options.decisions));
  if (options.many > 0) results.push(await measure("exchange allowed, a great many", asks(usual, "api-7.example.com"), options.many));
  return results;
}

/** OPA over HTTP in the same run; nothing where there is no `opa`. Its answers have to be ours. */
async function besideOpa(decisions: number): Promise<PolicyResult[]> {
  const opa = await findOpa(readEnvironment());
  if (opa === null) return [];
  const data = compileData(policyData.parse({ hosts: entries(20) }));
  const input = anInput("api-7.example.com", "GET");
  await using server = await OpaServer.start(opa, data);
  const here = await WasmPolicy.open((await readDefaultBundle()).wasm, data, { limits: policyConfig.parse({ deadlineMs: 10_000 }), clock: systemClock });
  const [answer] = await here.evaluate("exchange", input) as [{ result: unknown }];
  if (!isDeepStrictEqual(await server.decide(input), answer.result)) throw new Error("OPA's server answers something else");
  return [await measure("OPA's HTTP API, CPU of the client alone", async (count) => server.decide(byAgent(input, count)), decisions)];
}

async function measure(scenario: string, decide: Decide, decisions: number): Promise<PolicyResult> {
  for (let count = 0; count < WARM_UP; count += 1) await decide(decisions + count);
  using watch = new CollectionWatch();
  const before = process.cpuUsage();
  const { micros, slow } = await timed(decide, decisions);
  const { user, system } = process.cpuUsage(before);
  const collections = await watch.seen();
  const at = (share: number) => rounded(micros[Math.min(decisions - 1, Math.floor(decisions * share))] ?? 0);
  return {
    scenario, decisions, p50Micros: at(0.5), p99Micros: at(0.99), p999Micros: at(0.999), maxMicros: at(1), cpuMicros: rounded((user + system) / decisions),
    over5Ms: causesOf(slow, collections),
    over5MsOfCpu: causesOf(slow.filter(({ workedMs }) => workedMs > SLOW_MS), collections),
    garbageMicros: rounded(collections.reduce((sum, { duration }) => sum + duration * 1_000, 0) / decisions),
    longestGarbageMs: rounded(collections.reduce((longest, { duration }) => Math.max(longest, duration), 0)),
  };
}

/** Microseconds of each decision, in order of size, and those that took too long. */
async function timed(decide: Decide, decisions: number): Promise<{ readonly micros: Float64Array; readonly slow: readonly SlowDecision[] }> {
  const micros = new Float64Array(decisions);
  const slow: SlowDecision[] = [];
  for (let count = 0; count < decisions; count += 1) {
    if (count % DECISIONS_PER_TURN === 0) await setImmediate();
    const workedBeforeMs = threadTimeMs();
    const startedMs = performance.now();
    await decide(count);
    const tookMs = performance.now() - startedMs;
    micros[count] = tookMs * 1_000;
    // Beyond what the decision took, the thread worked on the measurement.
    const workedMs = Math.min(tookMs, threadTimeMs() - workedBeforeMs);
    if (tookMs > SLOW_MS) slow.push({ startedMs, tookMs, workedMs });
  }
  return { micros: micros.sort(), slow };
}

function causesOf(slow: readonly SlowDecision[], collections: readonly Collection[]): Causes {
  const causes: Partial<Record<Cause, number>> = {};
  for (const each of slow) {
    const cause = causeOf(each, collections);
    causes[cause] = (causes[cause] ?? 0) + 1;
  }
  return causes;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function engineWith(hosts: readonly object[], open?: typeof openEvaluator): Promise<ReloadingPolicyEngine> {
  const context = { log: silentLog, clock: systemClock, environment: readEnvironment(), ...(open === undefined ? {} : { openEvaluator: open }) };
  return ReloadingPolicyEngine.open(policyConfig.parse({ data: { hosts }, deadlineMs: 10_000 }), context);
}

function line({ scenario, decisions, ...result }: PolicyResult): string {
  const times = `p50 ${result.p50Micros} us, p99 ${result.p99Micros} us, p99.9 ${result.p999Micros} us, max ${result.maxMicros} us, CPU ${result.cpuMicros} us`;
  const garbage = `garbage ${result.garbageMicros} us, at most ${result.longestGarbageMs} ms at once`;
  const slow = `over 5 ms: ${counted(result.over5Ms)} by the clock, ${counted(result.over5MsOfCpu)} by CPU time`;
  return `${scenario.padEnd(42)} ${decisions} decisions: ${times}; ${garbage}; ${slow}\n`;
}

function counted(causes: Causes): string {
  const counts = Object.entries(causes);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return all === 0 ? "0" : `${all} (${counts.map(([cause, count]) => `${cause} ${count}`).join(", ")})`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { decisions: { type: "string", default: "20000" }, many: { type: "string", default: "0" } } });
  process.stdout.write(`input ${JSON.stringify(anInput("api-7.example.com", "GET")).length} bytes\n`);
  for (const result of await run({ decisions: Number(values.decisions), many: Number(values.many) })) process.stdout.write(line(result));
  // Threads that stand by do not end on their own here.
  process.exit();
}
