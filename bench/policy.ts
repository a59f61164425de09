import { systemClock } from "../common/clock.ts";
import { readEnvironment } from "../common/config.ts";
import { silentLog } from "../common/log.ts";
import { policyConfig } from "../proxy/policy/config.ts";
import { ReloadingPolicyEngine } from "../proxy/policy/engine.ts";
import type { PolicyInput, Question } from "../proxy/policy/policy-engine.ts";

/** Microseconds of one decision, asked the way the proxy asks, answer parsed. */
export interface PolicyResult {
  readonly scenario: string;
  readonly decisions: number;
  readonly inputBytes: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}

export interface PolicyBenchOptions {
  /** Decisions measured for each scenario. */
  readonly decisions: number;
}

const WARM_UP = 2_000;
const MANY_ENTRIES = 10_000;

/** Decisions of the default library, each by another agent so that none comes from memory: a usual policy, and one with ten thousand hosts. */
export async function run(options: PolicyBenchOptions = { decisions: 20_000 }): Promise<PolicyResult[]> {
  const usual = await engineWith(entries(20));
  const large = await engineWith(entries(MANY_ENTRIES));
  const cases: readonly (readonly [scenario: string, engine: ReloadingPolicyEngine, question: Question, input: PolicyInput])[] = [
    ["connection allowed", usual, "connection", anInput("api-7.example.com", "GET")],
    ["exchange allowed", usual, "exchange", anInput("api-7.example.com", "GET")],
    ["exchange denied by method", usual, "exchange", anInput("api-7.example.com", "DELETE")],
    ["exchange denied, unknown host", usual, "exchange", anInput("elsewhere.test", "GET")],
    [`exchange allowed, ${MANY_ENTRIES} entries`, large, "exchange", anInput("api-7777.example.com", "GET")],
  ];
  const results: PolicyResult[] = [];
  for (const [scenario, engine, question, input] of cases) {
    results.push({ scenario, ...await measure(engine, question, (count) => ({ ...input, agent: { ...input.agent, name: `reviewer-${count}` } }), options.decisions) });
  }
  const asked = anInput("api-7.example.com", "GET");
  results.push({ scenario: "exchange allowed, asked before", ...await measure(usual, "exchange", () => asked, options.decisions) });
  return results;
}

async function measure(engine: ReloadingPolicyEngine, question: Question, inputOf: (count: number) => PolicyInput, decisions: number): Promise<Omit<PolicyResult, "scenario">> {
  const signal = new AbortController().signal;
  for (let count = 0; count < WARM_UP; count += 1) await engine.decide(question, inputOf(decisions + count), signal);
  const micros = new Float64Array(decisions);
  for (let count = 0; count < decisions; count += 1) {
    const input = inputOf(count);
    const startedMs = performance.now();
    await engine.decide(question, input, signal);
    micros[count] = (performance.now() - startedMs) * 1_000;
  }
  micros.sort();
  const at = (share: number) => Math.round((micros[Math.min(decisions - 1, Math.floor(decisions * share))] ?? 0) * 10) / 10;
  return { decisions, inputBytes: JSON.stringify(inputOf(0)).length, p50Micros: at(0.5), p99Micros: at(0.99), maxMicros: at(1) };
}

function engineWith(hosts: readonly object[]): Promise<ReloadingPolicyEngine> {
  return ReloadingPolicyEngine.open(policyConfig.parse({ data: { hosts } }), { log: silentLog, clock: systemClock, environment: readEnvironment() });
}

function entries(count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    name: index % 10 === 9 ? `*.zone-${index}.example.com` : `api-${index}.example.com`,
    paths: ["/v1/**", "/health"], grants: [`grant-${index}`], agents: ["default/*"],
  }));
}

/** About 1.5 KB: what a command-line client sends. */
function anInput(host: string, method: string): PolicyInput {
  const headers = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`x-header-${index}`, "value ".repeat(10).trim()]));
  return {
    version: 1,
    agent: { namespace: "default", name: "reviewer", thread: "thread-0001", user: "ada@example.com", labels: { team: "platform", tier: "internal" }, chain: ["planner"] },
    connection: { name: host, is_address: false, port: 443, wire: "tls", sni: host, alpn: ["h2", "http/1.1"] },
    request: {
      method, scheme: "https", host, port: 443, path: ["v1", "projects", "42", "items"], query: { page: ["1"] },
      headers: { "user-agent": "curl/8.5.0", accept: "*/*", ...headers }, upgrade: null,
    },
    budgets: { agent: { limit: 1_000, spent: 10, reserved: 1 } },
    time: "2026-01-01T00:00:00.000Z",
  };
}

if (import.meta.main) {
  for (const { scenario, p50Micros, p99Micros, maxMicros, inputBytes } of await run()) {
    process.stdout.write(`${scenario.padEnd(40)} p50 ${p50Micros} us, p99 ${p99Micros} us, max ${maxMicros} us, input ${inputBytes} bytes\n`);
  }
}
