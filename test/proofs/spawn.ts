import { setTimeout as pause } from "node:timers/promises";
import type { Usage } from "../support/kube/reconcile-process.ts";
import { startThreadStage, type ThreadStage } from "../support/kube/thread-stage.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";

const NODES = 20;
/** Threads that are made at once before the measurement. */
const MAKERS = 16;
const DEADLINE_MS = 600_000;
const LOOK_MS = 100;

interface Measured {
  readonly before: Usage;
  readonly after: Usage;
  /** From the first message until the last pod was made, and until the last one ran. */
  readonly madeMs: number;
  readonly runningMs: number;
  readonly latenciesMs: readonly number[];
}

/**
 * Many threads get a message at the same time, on a real control plane with fake nodes: every thread has exactly one pod, made in a time that is
 * printed, and each of them is told to run.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const threads = quick ? 200 : 2_000;
  const stage = await startThreadStage(NODES, {});
  try {
    const measured = await measure(stage, threads, print);
    const { made, violations } = stage.witness;
    for (const violation of violations.slice(0, 10)) print(`  ${violation}`);
    const holds = made === threads && violations.length === 0 && measured.latenciesMs.length === threads;
    return { holds, figure: figureOf(measured, threads, print) };
  } finally {
    await stage.stop();
  }
}

async function measure(stage: ThreadStage, count: number, print: (line: string) => void): Promise<Measured> {
  const { scene, witness } = stage;
  await scene.agent("helper", { instances: { max: count } });
  const names = Array.from({ length: count }, (_, index) => `thread-${index}`);
  const uids: string[] = [];
  await Promise.all(Array.from({ length: MAKERS }, async (_, maker) => {
    for (let index = maker; index < count; index += MAKERS) uids.push(await scene.thread(names[index] ?? ""));
  }));
  const latenciesMs: number[] = [];
  const controller = stage.controller((latencyMs) => { latenciesMs.push(latencyMs); });
  await until("every thread is idle", async () => (await phases(stage)).get("Idle") === count);
  print(`  ${count} threads are idle, the controller has ${megabytes(controller.usage().rssBytes)}`);
  const before = controller.usage();
  const startMs = performance.now();
  await Promise.all(uids.map(async (uid) => scene.post(uid, "wake up")));
  const postedMs = performance.now() - startMs;
  await until("every thread has a pod", async () => witness.made >= count);
  const madeMs = performance.now() - startMs;
  print(`  ${count} messages were taken in ${seconds(postedMs)}, ${count} pods made in ${seconds(madeMs)}`);
  await until("every thread runs", async () => (await phases(stage)).get("Running") === count);
  const runningMs = performance.now() - startMs;
  const after = controller.usage();
  await until("every latency is told", async () => latenciesMs.length >= count);
  await controller.end();
  return { before, after, madeMs, runningMs, latenciesMs: latenciesMs.toSorted((one, other) => one - other) };
}

async function phases({ scene }: ThreadStage): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const thread of await scene.threads()) {
    const phase = (thread["status"] as { readonly phase?: string } | undefined)?.phase ?? "none";
    counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return counts;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!await isSo()) {
    if (deadline.aborted) throw new Error(`within ${seconds(DEADLINE_MS)} it did not come to this: ${what}`);
    await pause(LOOK_MS);
  }
}

function figureOf({ before, after, madeMs, runningMs, latenciesMs }: Measured, threads: number, print: (line: string) => void): string {
  const at = (share: number) => seconds(latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN);
  const cpuMs = (after.cpuMs - before.cpuMs) / threads;
  print(`  from signal to pod: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}; all ran after ${seconds(runningMs)}`);
  print(`  the controller used ${cpuMs.toFixed(2)} ms of processor time for each thread until it ran, and ${megabytes(after.maxRssBytes)} of memory at most`);
  return `${threads} threads signalled at once: one pod each, ${(threads / (madeMs / 1_000)).toFixed(0)} pods/s, p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, `
    + `${cpuMs.toFixed(2)} ms CPU per thread, ${megabytes(after.maxRssBytes)}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
