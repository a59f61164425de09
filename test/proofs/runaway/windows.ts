import type { Timed } from "./agent-client.ts";

/** Requests of the quiet agent in windows that take turns, so that what else happens on the machine touches both kinds alike. */
export interface Windows {
  readonly quiet: readonly (readonly Timed[])[];
  readonly loud: readonly (readonly Timed[])[];
}

export interface WindowsOptions {
  readonly rounds: number;
  readonly windowMs: number;
  readonly ask: () => Promise<Timed>;
  /** Goes on until the signal aborts. */
  readonly beLoud: (signal: AbortSignal) => Promise<void>;
}

/** Each round is quiet, loud and quiet again. */
export async function measureWindows({ rounds, windowMs, ask, beLoud }: WindowsOptions): Promise<Windows> {
  const [quiet, loud]: [Timed[][], Timed[][]] = [[], []];
  const during = async (ms: number) => {
    const timed: Timed[] = [];
    for (const untilMs = performance.now() + ms; performance.now() < untilMs;) timed.push(await ask());
    return timed;
  };
  for (let round = 0; round < rounds; round += 1) {
    quiet.push(await during(windowMs / 2));
    const over = new AbortController();
    const running = beLoud(over.signal);
    loud.push(await during(windowMs));
    over.abort();
    await running;
    quiet.push(await during(windowMs / 2));
  }
  return { quiet, loud };
}

export interface Compared {
  readonly quietP99Ms: number;
  readonly loudP99Ms: number;
  /** Of the loud windows and the quiet ones around them, the median of all rounds. */
  readonly ratio: number;
  /** The same for quiet windows before and after the loud one: what the machine does by itself, from 1 up. */
  readonly noise: number;
}

export function compareWindows({ quiet, loud }: Windows): Compared {
  const rounds = loud.map((timed, round) => ({ timed, before: quiet[2 * round] ?? [], after: quiet[2 * round + 1] ?? [] }));
  const noise = rounds.map(({ before, after }) => p99(after) / p99(before)).map((ratio) => Math.max(ratio, 1 / ratio));
  return {
    quietP99Ms: p99(quiet.flat()), loudP99Ms: p99(loud.flat()), noise: median(noise),
    ratio: median(rounds.map(({ timed, before, after }) => p99(timed) / p99([...before, ...after]))),
  };
}

function p99(timed: readonly Timed[]): number {
  const sorted = timed.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] ?? Number.NaN : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
