import { setTimeout as pause } from "node:timers/promises";
import type { ProcessUsage } from "../support/process-usage.ts";
import { ThreadStage } from "../support/kube/thread-stage.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";

const NODES = 20;
/** Threads that are made at once before the measurement. */
const MAKERS = 16;
const DUPLICATES = 50;
const DEADLINE_MS = 600_000;
const LOOK_MS = 100;

interface Measured {
  /** Of both controllers, until every thread ran. */
  readonly cpuMs: number;
  readonly maxRssBytes: number;
  /** From the first message until the last pod was made, and until the last one ran. */
  readonly madeMs: number;
  readonly runningMs: number;
  /** From the moment before a message is sent until its pod is seen by a watch. */
  readonly latenciesMs: readonly number[];
}

/**
 * Many threads get a message at the same time, on a real control plane with fake nodes and two controllers as the chart sets them up: every thread
 * has exactly one pod, made in a time that is printed, and each of them is told to run. Then one message is sent fifty times at once, through both
 * controllers: it is taken once, and makes one pod.
 */
export async function run({ quick, print }: ProofOptions): Promise<ProofResult> {
  const threads = quick ? 200 : 2_000;
  const stage = await ThreadStage.open(NODES, {});
  try {
    await Promise.all([stage.startController().ready, stage.startController().ready]);
    await until("somebody leads", async () => await stage.leader() !== null);
    const measured = await measure(stage, threads, print);
    const wrong = await sendAgainAndAgain(stage, print);
    for (const sentence of [...stage.witness.violations, ...wrong].slice(0, 10)) print(`  ${sentence}`);
    const holds = stage.witness.made === threads + 1 && stage.witness.violations.length === 0 && wrong.length === 0 && measured.latenciesMs.length === threads;
    return { holds, figure: figureOf(measured, threads, print) };
  } finally {
    await stage.stop();
  }
}

async function measure(stage: ThreadStage, count: number, print: (line: string) => void): Promise<Measured> {
  const { scene, witness } = stage;
  await scene.agent("helper", { instances: { max: count + 1 } });
  const threads = await openThreads(stage, count);
  await until("every thread is idle", async () => await countOf(stage, "Idle") === count);
  const before = usageOf(stage);
  print(`  ${count} threads are idle, the controllers have ${before.map(({ rssBytes }) => megabytes(rssBytes)).join(" and ")}`);
  const sentMs = new Map<string, number>();
  const startMs = performance.now();
  await Promise.all([...threads].map(async ([name, uid]) => {
    sentMs.set(name, performance.now());
    await scene.post(uid, "wake up");
  }));
  const postedMs = performance.now() - startMs;
  await until("every thread has a pod", async () => witness.made >= count);
  const madeMs = performance.now() - startMs;
  print(`  ${count} messages were stored in ${seconds(postedMs)}, ${count} pods made in ${seconds(madeMs)}`);
  await until("every thread runs", async () => await countOf(stage, "Running") === count);
  const runningMs = performance.now() - startMs;
  const after = usageOf(stage);
  const latenciesMs = [...witness.firstSeenMs].map(([name, seenMs]) => seenMs - (sentMs.get(name) ?? Number.NaN)).toSorted((one, other) => one - other);
  return { cpuMs: cpuMs(after) - cpuMs(before), maxRssBytes: Math.max(...after.map(({ maxRssBytes }) => maxRssBytes)), madeMs, runningMs, latenciesMs };
}

/** @returns names and UIDs */
async function openThreads({ scene }: ThreadStage, count: number): Promise<ReadonlyMap<string, string>> {
  const names = Array.from({ length: count }, (_, index) => `thread-${index}`);
  const threads = new Map<string, string>();
  await Promise.all(Array.from({ length: MAKERS }, async (_, maker) => {
    for (const name of names.filter((_name, index) => index % MAKERS === maker)) threads.set(name, await scene.thread(name));
  }));
  return threads;
}

/** @returns what is wrong, in sentences */
async function sendAgainAndAgain(stage: ThreadStage, print: (line: string) => void): Promise<readonly string[]> {
  const uid = await stage.scene.thread("again");
  const { controllers, witness } = stage;
  const before = witness.made;
  const taken = await Promise.all(Array.from({ length: DUPLICATES }, async (_, index) => stage.post("again", "same-key", controllers[index % controllers.length]!)));
  await until("the thread has a pod", async () => witness.made > before);
  await until("the thread runs", async () => (await stage.scene.status("again")).phase === "Running");
  const messages = await stage.store.messages(uid, { afterSeq: 0, limit: 100 });
  const news = taken.filter(Boolean).length;
  print(`  one message sent ${DUPLICATES} times at once: taken ${news} time, stored ${messages.length} time, ${witness.made - before} pod`);
  return [
    ...news === 1 ? [] : [`${news} of ${DUPLICATES} sendings were called new`],
    ...messages.length === 1 ? [] : [`${messages.length} messages were stored`],
    ...witness.made - before === 1 ? [] : [`${witness.made - before} pods were made`],
  ];
}

const usageOf = ({ controllers }: ThreadStage): readonly ProcessUsage[] => controllers.map((controller) => controller.usage());
const cpuMs = (usages: readonly ProcessUsage[]): number => usages.reduce((sum, usage) => sum + usage.cpuMs, 0);

async function countOf({ scene }: ThreadStage, phase: string): Promise<number> {
  return (await scene.threads()).filter((thread) => (thread["status"] as { readonly phase?: string } | undefined)?.phase === phase).length;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  while (!await isSo()) {
    if (deadline.aborted) throw new Error(`within ${seconds(DEADLINE_MS)} it did not come to this: ${what}`);
    await pause(LOOK_MS);
  }
}

function figureOf({ cpuMs: spentMs, maxRssBytes, madeMs, runningMs, latenciesMs }: Measured, threads: number, print: (line: string) => void): string {
  const at = (share: number) => seconds(latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN);
  const latency = `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`;
  const perThreadMs = (spentMs / threads).toFixed(2);
  print(`  from signal to pod: ${latency}; all ran after ${seconds(runningMs)}`);
  print(`  the controllers used ${perThreadMs} ms of processor time for each thread until it ran, and ${megabytes(maxRssBytes)} of memory at most`);
  return `${threads} threads signalled at once: one pod each, ${(threads / (madeMs / 1_000)).toFixed(0)} pods/s, ${latency}, `
    + `${perThreadMs} ms CPU per thread, ${megabytes(maxRssBytes)}; a signal sent ${DUPLICATES} times made one pod`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
