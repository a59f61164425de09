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
  readonly over5Ms: number;
  /** The same by what the thread worked: what the machine did elsewhere meanwhile is not in it, garbage collection of the thread is. */
  readonly over5MsOfCpu: number;
}

export interface PolicyBenchOptions {
  /** Decisions measured for each scenario. */
  readonly decisions: number;
  /** Decisions of the one scenario that is asked a great many times; none if 0. */
  readonly many: number;
}

const WARM_UP = 5_000;
const MANY_ENTRIES = 10_000;
const SLOW_MICROS = 5_000;

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
  const micros = new Float64Array(decisions);
  const before = process.cpuUsage();
  let over5MsOfCpu = 0;
  for (let count = 0; count < decisions; count += 1) {
    const worked = process.threadCpuUsage();
    const startedMs = performance.now();
    await decide(count);
    micros[count] = (performance.now() - startedMs) * 1_000;
    const { user: ofUser, system: ofSystem } = process.threadCpuUsage(worked);
    if (ofUser + ofSystem > SLOW_MICROS) over5MsOfCpu += 1;
  }
  const { user, system } = process.cpuUsage(before);
  micros.sort();
  const at = (share: number) => Math.round((micros[Math.min(decisions - 1, Math.floor(decisions * share))] ?? 0) * 10) / 10;
  return {
    scenario, decisions, p50Micros: at(0.5), p99Micros: at(0.99), p999Micros: at(0.999), maxMicros: at(1),
    cpuMicros: Math.round((user + system) / decisions * 10) / 10, over5Ms: micros.filter((each) => each > SLOW_MICROS).length, over5MsOfCpu,
  };
}

function engineWith(hosts: readonly object[], open?: typeof openEvaluator): Promise<ReloadingPolicyEngine> {
  const context = { log: silentLog, clock: systemClock, environment: readEnvironment(), ...(open === undefined ? {} : { openEvaluator: open }) };
  return ReloadingPolicyEngine.open(policyConfig.parse({ data: { hosts }, deadlineMs: 10_000 }), context);
}

function line({ scenario, decisions, ...result }: PolicyResult): string {
  const times = `p50 ${result.p50Micros} us, p99 ${result.p99Micros} us, p99.9 ${result.p999Micros} us, max ${result.maxMicros} us, CPU ${result.cpuMicros} us`;
  return `${scenario.padEnd(42)} ${decisions} decisions: ${times}, over 5 ms: ${result.over5Ms} by the clock, ${result.over5MsOfCpu} by CPU time\n`;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { decisions: { type: "string", default: "20000" }, many: { type: "string", default: "0" } } });
  process.stdout.write(`input ${JSON.stringify(anInput("api-7.example.com", "GET")).length} bytes\n`);
  for (const result of await run({ decisions: Number(values.decisions), many: Number(values.many) })) process.stdout.write(line(result));
  // Threads that stand by do not end on their own here.
  process.exit();
}
