import { describe, expect, test, vi } from "vitest";
import { silentLog } from "../../../../common/log.ts";
import type { NamespaceFinder } from "../../../../init/node/find-namespace.ts";
import { RuleKeeper } from "../../../../init/node/keep-rules.ts";
import type { CapturedPod } from "../../../../init/node/read-pod.ts";
import type { RuleWriter } from "../../../../init/node/write-rules.ts";

const aPod = (changes: Partial<CapturedPod> = {}): CapturedPod => ({ uid: "u-1", namespace: "agents", name: "app", addresses: ["10.1.0.5"], inbound: "none", containers: [], ...changes });
const place = { file: "/run/netns/cni-1", inode: 7 };

/** A keeper whose pauses end when the test says so. */
function stage(concurrency = 4) {
  const pauses: { readonly ms: number; readonly end: () => void }[] = [];
  const state = { captured: 0, waiting: 0, reasons: [] as string[], failures: 0 };
  let nowMs = 0;
  const parts = {
    finder: { find: vi.fn<NamespaceFinder["find"]>(async () => place), isThere: vi.fn<NamespaceFinder["isThere"]>(async () => true) },
    writer: { write: vi.fn<RuleWriter["write"]>(async () => "print-1"), drift: vi.fn<RuleWriter["drift"]>(async () => []) },
    metrics: { pods: (captured: number, waiting: number) => { Object.assign(state, { captured, waiting }); }, written: (reason: string) => { state.reasons.push(reason); }, failed: () => { state.failures += 1; } },
    log: silentLog, verifyIntervalMs: 1_000, lookIntervalMs: 1_000, concurrency,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    pause: async (ms: number, signal: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => { reject(signal.reason as Error); });
      pauses.push({ ms, end: resolve });
      await promise;
    },
  };
  const keeper = new RuleKeeper(parts);
  const paused = async (count: number) => vi.waitUntil(() => pauses.length === count);
  return { keeper, parts, state, pauses, paused, pass: (ms: number) => { nowMs += ms; pauses.at(-1)?.end(); } };
}

describe("the keeper of rules", () => {
  test("writes them once, and reads them back from time to time", async () => {
    const { keeper, parts, state, paused, pass } = stage();
    keeper.keep(aPod());
    expect(state).toMatchObject({ captured: 0, waiting: 1 });
    await paused(1);
    expect(state).toMatchObject({ captured: 1, waiting: 0, reasons: ["first"] });
    pass(1_000);
    await paused(2);
    expect(parts.writer.drift).toHaveBeenCalledWith(aPod(), place, "print-1", expect.anything());
    expect(parts.writer.write).toHaveBeenCalledTimes(1);
    keeper.close();
    expect(state).toMatchObject({ captured: 0, waiting: 0 });
  });

  test("writes them again when they have changed, and where the pod is now when its namespace is gone", async () => {
    const { keeper, parts, state, paused, pass } = stage();
    keeper.keep(aPod());
    await paused(1);
    parts.writer.drift.mockResolvedValueOnce(["rule 1 is missing"]);
    pass(1_000);
    await paused(2);
    parts.finder.isThere.mockResolvedValue(false);
    pass(100);
    await paused(3);
    expect(state.reasons).toEqual(["first", "drift", "moved"]);
    keeper.close();
  });

  test("tries again with longer pauses when it fails, and counts the pod as waiting", async () => {
    const { keeper, parts, state, pauses, paused, pass } = stage();
    parts.finder.find.mockRejectedValueOnce(new Error("no namespace")).mockRejectedValueOnce(new Error("no namespace"));
    keeper.keep(aPod());
    await paused(1);
    expect(state).toMatchObject({ captured: 0, waiting: 1, failures: 1 });
    pass(1);
    await paused(2);
    pass(1);
    await paused(3);
    expect([pauses[0]?.ms ?? 0, pauses[1]?.ms ?? 0].map((ms, index) => ms <= 1_000 * 2 ** index)).toEqual([true, true]);
    expect(state).toMatchObject({ captured: 1, waiting: 0, failures: 2 });
    keeper.close();
  });

  test("begins anew when what the rules depend on is different, and not when it is the same", async () => {
    const { keeper, parts, paused } = stage();
    keeper.keep(aPod());
    await paused(1);
    keeper.keep(aPod());
    expect(parts.writer.write).toHaveBeenCalledTimes(1);
    keeper.keep(aPod({ addresses: ["10.1.0.6"] }));
    await paused(2);
    expect(parts.finder.find).toHaveBeenLastCalledWith(["10.1.0.6"], expect.anything());
    keeper.close();
  });

  test("does nothing more for a pod that is gone, not even what had begun", async () => {
    const found = Promise.withResolvers<typeof place>();
    const { keeper, parts, state } = stage();
    parts.finder.find.mockImplementation(async () => found.promise);
    keeper.keep(aPod());
    keeper.drop("u-1");
    parts.writer.write.mockImplementation(async (_pod, _place, signal) => {
      signal.throwIfAborted();
      return "late";
    });
    found.resolve(place);
    await found.promise;
    expect(state).toMatchObject({ captured: 0, waiting: 0, reasons: [] });
  });

  test("works on no more pods at a time than it may", async () => {
    const gate = Promise.withResolvers<string>();
    const { keeper, parts } = stage(2);
    parts.writer.write.mockImplementation(async () => gate.promise);
    for (const uid of ["a", "b", "c"]) keeper.keep(aPod({ uid }));
    await vi.waitUntil(() => parts.writer.write.mock.calls.length === 2);
    gate.resolve("print");
    await vi.waitUntil(() => parts.writer.write.mock.calls.length === 3);
    keeper.close();
  });
});
