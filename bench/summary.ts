import type { ScenarioName } from "./driver/messages.ts";
import { quantile } from "./driver/tally.ts";
import type { Sample } from "./drive.ts";

/** One line of the result: one peer in one scenario, over all rounds. Null where a figure makes no sense or was not taken. */
export interface Result {
  readonly scenario: ScenarioName;
  readonly proxy: string;
  /** What is counted: `request`, `connection` or `event`. */
  readonly unit: string;
  readonly rounds: number;
  readonly units: number;
  readonly perSecond: number;
  /** Median over the rounds, of the CPU time of the proxy for each unit, in microseconds. */
  readonly cpuMicrosPerRequest: number | null;
  /** The least of the rounds: the figure that other load on the machine disturbs least. */
  readonly cpuMicrosPerRequestMin: number | null;
  /** Median over the rounds of this proxy's CPU per unit, divided by nginx's in the same round. */
  readonly ratioToNginx: number | null;
  readonly megabytesPerCpuSecond: number | null;
  /** Microseconds that this proxy adds to the median time of `direct`: a request at 200 per second, or an event. */
  readonly addedP50Micros: number | null;
  readonly p50Micros: number | null;
  readonly residentMiB: number | null;
}

const UNITS: Readonly<Record<ScenarioName, string>> = { "small-requests": "request", handshakes: "connection", bulk: "request", sse: "event" };

/** Everything that was sampled in one scenario: peer → one sample for each round. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** @param latency samples taken at a rate that no peer is busy with; empty if the scenario has none */
export function summarize(scenario: ScenarioName, samples: Samples, latency: Samples): Result[] {
  const anchor = (samples.get("nginx") ?? []).map(cpuPerUnit);
  const directP50 = median((latency.get("direct") ?? []).map((sample) => sample.p50Micros));
  return [...samples].filter(([, rounds]) => rounds.length > 0).map(([proxy, rounds]) => {
    const cpu = rounds.map(cpuPerUnit);
    const p50Micros = median((latency.get(proxy) ?? []).map((sample) => sample.p50Micros));
    return {
      scenario, proxy, unit: UNITS[scenario], rounds: rounds.length,
      units: sum(rounds.map((sample) => sample.units)),
      perSecond: Math.round(sum(rounds.map((sample) => sample.units)) / (sum(rounds.map((sample) => sample.elapsedMs)) / 1000)),
      cpuMicrosPerRequest: rounded(median(cpu)), cpuMicrosPerRequestMin: rounded(quantile(known(cpu), 0)),
      ratioToNginx: rounded(median(cpu.map((each, round) => divide(each, anchor[round] ?? null))), 2),
      megabytesPerCpuSecond: rounded(median(rounds.map(megabytesPerCpuSecond))),
      addedP50Micros: p50Micros === null || directP50 === null ? null : Math.round(p50Micros - directP50),
      p50Micros: rounded(p50Micros), residentMiB: rounded(median(rounds.map((sample) => sample.residentMiB))),
    };
  });
}

function cpuPerUnit(sample: Sample): number | null {
  return divide(sample.proxyCpuMicros, sample.units);
}

function megabytesPerCpuSecond(sample: Sample): number | null {
  return sample.proxyCpuMicros === null ? null : divide(sample.bodyBytes, sample.proxyCpuMicros);
}

function divide(dividend: number | null, divisor: number | null): number | null {
  return dividend === null || divisor === null || divisor === 0 ? null : dividend / divisor;
}

function median(values: readonly (number | null)[]): number | null {
  return quantile(known(values), 0.5);
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function rounded(value: number | null, digits = 1): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
