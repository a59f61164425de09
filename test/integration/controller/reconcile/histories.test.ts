import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { desire } from "../../../../controller/reconcile/desired.ts";
import { reconcileConfig } from "../../../../controller/reconcile/config.ts";
import { diff } from "../../../../controller/reconcile/diff.ts";
import { aPod, facts, failed, nothingUnread, NOW_MS, states, unreadSince } from "../../../support/thread-facts.ts";
import { ReconcileStage } from "../../../support/reconcile-stage.ts";

const MINUTE = 60_000;
const config = reconcileConfig.parse({});
const NAMES = ["one", "two"] as const;

beforeEach(() => { vi.useFakeTimers({ now: Date.UTC(2026, 0, 1, 12) }); });
afterEach(() => { vi.useRealTimers(); });

/** Everything that others can do to two threads of one agent, in any order. */
const step = fc.oneof(
  fc.record({ kind: fc.constantFrom("post", "acknowledge", "runs", "ends", "crashes", "cannotPull", "losePod", "pause", "resume", "stop", "delete"), thread: fc.constantFrom(...NAMES) }),
  fc.record({ kind: fc.constantFrom("endPods", "killController", "changeAgent", "loseAgent", "bringAgent"), thread: fc.constant("one" as const) }),
  fc.record({ kind: fc.constant("faults"), thread: fc.constant("one" as const), faults: fc.array(fc.constantFrom("before", "after", null), { maxLength: 6 }) }),
  fc.record({ kind: fc.constant("pass"), thread: fc.constant("one" as const), ms: fc.constantFrom(1, 20, 1_000, 12_000, 31_000, 6 * MINUTE) }),
);
type Step = { readonly kind: string; readonly thread: string; readonly ms?: number; readonly faults?: readonly ("before" | "after" | null)[] };

function spoil(stage: ReconcileStage, faults: readonly ("before" | "after" | null)[]): void {
  const left = [...faults];
  stage.cluster.fault = () => left.shift() ?? null;
}

async function take(stage: ReconcileStage, { kind, thread, ms, faults }: Step): Promise<void> {
  const exists = stage.find("threads", thread) !== undefined;
  switch (kind) {
    case "post": if (exists) stage.post(thread); break;
    case "acknowledge": if (exists && stage.pod(thread) !== undefined) stage.acknowledge(thread); break;
    case "runs": stage.runs(thread); break;
    case "ends": stage.exits(thread, 0); break;
    case "crashes": stage.exits(thread, 1); break;
    case "cannotPull": stage.cannotPull(thread); break;
    case "losePod": stage.losePod(thread); break;
    case "endPods": stage.endPods(); break;
    case "pause": case "resume": stage.edit("threads", thread, { paused: kind === "pause" }); break;
    case "stop": stage.edit("threads", thread, { stopRequestedAt: new Date().toISOString() }); break;
    case "delete": await stage.deleteThread(thread).catch(() => undefined); break;
    case "changeAgent": stage.edit("agents", "helper", { image: `example.com/helper:${Date.now()}` }); break;
    case "loseAgent": stage.cluster.end(TYPES.agents, { namespace: "team", name: "helper" }); break;
    case "bringAgent": await stage.agent("helper", { instances: { max: 1 } }).catch(() => undefined); break;
    case "killController":
      await stage.crash();
      stage.start();
      break;
    case "faults": spoil(stage, faults ?? []); break;
    default: break;
  }
  // Not always enough to come to rest: the next step may meet the controller at work.
  await vi.advanceTimersByTimeAsync(ms ?? 3);
}

/** At rest, a message that nobody reads has a pod, or a thread that says why it has none. */
function explained(stage: ReconcileStage, unread: number, name: string): boolean {
  if (unread === 0 || stage.find("threads", name) === undefined) return true;
  const { phase, conditions } = stage.statusOf(name);
  const started = conditions?.find(({ type }) => type === "Started");
  return stage.pod(name) !== undefined || (["Waiting", "Paused", "Idle", "Stopping"].includes(phase ?? "") && started?.status === "False" && started.reason !== "Idle");
}

/** The very moment of a change is no rest: the caches are late by up to a second, and the status follows them. */
async function settled(stage: ReconcileStage, name: string): Promise<void> {
  const unread = async () => (await stage.store.demand(stage.uidOf(name))).unread;
  for (let looks = 0; looks < 5 && !explained(stage, await unread(), name); looks += 1) await vi.advanceTimersByTimeAsync(1_000);
  expect(explained(stage, await unread(), name), `${name}: ${JSON.stringify(stage.statusOf(name))}`).toBe(true);
}

/** Everybody behaves from now on: the agent comes back, kubelets run pods, agents read. */
async function heal(stage: ReconcileStage): Promise<void> {
  spoil(stage, []);
  stage.cluster.end(TYPES.agents, { namespace: "team", name: "helper" });
  await stage.agent("helper", { instances: { max: 1 } });
  for (const name of NAMES) if (stage.find("threads", name) !== undefined) stage.edit("threads", name, { paused: false, stopRequestedAt: undefined });
  for (let round = 0; round < 40; round += 1) {
    for (const name of NAMES) {
      if (stage.pod(name)?.["status"] === undefined) stage.runs(name);
      else if ((await stage.store.demand(stage.uidOf(name))).unread > 0) stage.acknowledge(name, 100);
    }
    await vi.advanceTimersByTimeAsync(MINUTE);
    stage.endPods();
  }
}

test("whatever happens, there is one pod for a thread at most, no more than the agent may have, no message without a pod or a reason, and in the end all are read", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 2, 700), async (steps, lagMs) => {
    const stage = new ReconcileStage();
    stage.cluster.lagMs = lagMs;
    await stage.agent("helper", { instances: { max: 1 }, volumes: [{ name: "work", mountPath: "/work" }] });
    for (const name of NAMES) await stage.thread(name);
    stage.start();
    try {
      for (const each of steps) {
        await take(stage, each);
        expect(stage.cluster.all(TYPES.pods).length).toBeLessThanOrEqual(1);
      }
      spoil(stage, []);
      await vi.advanceTimersByTimeAsync(2 * MINUTE);
      for (const name of NAMES) await settled(stage, name);
      await heal(stage);
      for (const name of NAMES) {
        expect((await stage.store.demand(stage.uidOf(name))).unread).toBe(0);
        expect(stage.pod(name)).toBeUndefined();
        if (stage.find("threads", name) === undefined) expect(stage.find("claims", `weir-${name}.work`)).toBeUndefined();
      }
    } finally {
      await stage.crash();
    }
  }), { numRuns: 200 });
}, 60_000);

const podFacts = fc.constantFrom(null, ...Object.values(states).flatMap((state) => [aPod(state), aPod(state, { isDeleting: true }), aPod(state, { ownership: "foreign" }), aPod(state, { ownership: "predecessor" })]));
const anyFacts = fc.record({
  pod: podFacts,
  demand: fc.constantFrom(nothingUnread(), nothingUnread(NOW_MS), unreadSince(NOW_MS), unreadSince(NOW_MS - MINUTE, 3)),
  starts: fc.constantFrom(null, failed(1, NOW_MS), failed(10, NOW_MS - MINUTE), failed(3, NOW_MS, "f0")),
  turn: fc.record({ hasRoom: fc.boolean(), isWarm: fc.boolean() }),
  obstacle: fc.constantFrom(null, "taken"),
  lastPodMadeMs: fc.constantFrom(null, NOW_MS, NOW_MS - MINUTE),
}).map(facts);

test("whatever is known, a pod is made only where there is none, and only one", () => {
  fc.assert(fc.property(anyFacts, (known) => {
    const made = diff(known, desire(known, config), config).actions.filter(({ kind }) => kind === "create-pod");
    expect(made.length).toBeLessThanOrEqual(known.pod === null && known.demand.unread > 0 ? 1 : 0);
  }));
});

test("whatever is known, the same facts give the same actions", () => {
  fc.assert(fc.property(anyFacts, (known) => {
    const again = () => diff(known, desire(known, config), config);
    expect(again()).toEqual(again());
  }));
});

test("whatever is known, only a pod of ours that is not going is deleted", () => {
  fc.assert(fc.property(anyFacts, (known) => {
    const deletes = diff(known, desire(known, config), config).actions.some(({ kind }) => kind === "delete-pod");
    if (deletes) expect(known.pod).toMatchObject({ ownership: "ours", isDeleting: false });
  }));
});

test("whatever is known, a thread with a message and without a pod gets one, or a reason that people can read", () => {
  fc.assert(fc.property(anyFacts, (known) => {
    const { wantPod, reason, phase, wakeAtMs } = desire(known, config);
    if (known.demand.unread === 0 || known.pod !== null || wantPod) return;
    expect(["Waiting", "Paused"]).toContain(phase);
    expect(reason).not.toBe("Idle");
    if (reason === "JustStarted" || (known.starts !== null && phase === "Waiting" && reason === "ImagePullFailed")) expect(wakeAtMs).toBeGreaterThan(NOW_MS);
  }));
});
