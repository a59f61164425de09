import { thread } from "./resources.ts";
import type { ClusterStage } from "./stage.ts";
import { until } from "./story.ts";

/** Slow is a figure, not a fault. */
const DEADLINE_MS = 120_000;

/**
 * How long it takes from a message that wakes a thread, when its POST was answered, to the first request of the agent's process, when it had
 * arrived at its destination: pod, boundary, start of the program, name, TLS and credential are all in it. One after another, each in a new pod.
 * @returns milliseconds, one for each thread
 */
export async function measureFirstBytes(stage: ClusterStage, count: number): Promise<readonly number[]> {
  const names = Array.from({ length: count }, (_, index) => `sprint-${index}`);
  await stage.apply(...names.map((name) => thread(name, "sprinter")));
  await until("all threads are idle", async () => (await Promise.all(names.map(async (name) => stage.person.thread(name)))).every(({ phase }) => phase === "Idle"));
  const taken: number[] = [];
  for (const name of names) {
    await stage.person.post(name, "go");
    const acceptedAtMs = performance.now();
    const first = await until(`the first request of ${name}`, async () => stage.arrived(`/repos/weir/${name}`)[0], DEADLINE_MS);
    taken.push(first.atMs - acceptedAtMs);
  }
  return taken;
}

/** @param share such as 0.95 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
