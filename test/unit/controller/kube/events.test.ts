import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { KubeError, type KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { eventsConfig } from "../../../../controller/kube/config.ts";
import { openEvents, type EventNote, type EventRecorder } from "../../../../controller/kube/events.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const stops: AbortController[] = [];
afterEach(() => { for (const stop of stops.splice(0)) stop.abort(); });

const aNote = (change: Partial<EventNote> = {}): EventNote => ({
  regarding: { apiVersion: "weir.dev/v1alpha1", kind: "Thread", metadata: { name: "t", namespace: "a", uid: "u" } },
  type: "Warning", reason: "StartFailed", action: "Starting", note: "the image cannot be pulled", ...change,
});

interface Stage {
  readonly api: MemoryKubeApi;
  readonly clock: TestClock;
  readonly events: EventRecorder;
  written(): Promise<readonly KubeObject[]>;
  /** Time passes, and the recorder looks again. */
  pass(ms: number): void;
}

function stage(settings: object = {}): Stage {
  const api = new MemoryKubeApi();
  const clock = new TestClock();
  const stop = new AbortController();
  stops.push(stop);
  const pauses = new Set<() => void>();
  const events = openEvents({
    api, clock, config: eventsConfig.parse(settings), instance: "controller-0", log: silentLog,
    pause: async (ms, signal) => {
      if (ms < 1_000) {
        await turn();
        return;
      }
      await new Promise<void>((resolve) => { pauses.add(resolve); signal.addEventListener("abort", () => { resolve(); }, { once: true }); });
    },
  });
  void events.run(stop.signal);
  return { api, clock, events, written: async () => (await api.list(TYPES.events, {})).items, pass: (ms) => { clock.advance(ms); for (const resume of pauses) resume(); pauses.clear(); } };
}

describe("an event", () => {
  test("is written as events.k8s.io wants it", async () => {
    const { events, written } = stage();
    events.record(aNote());
    await expect.poll(written).toMatchObject([{
      metadata: { namespace: "a", name: expect.stringMatching(/^t\.[0-9a-f]{16}$/) as string }, eventTime: "2026-01-01T00:00:00.000000Z",
      type: "Warning", reason: "StartFailed", action: "Starting", note: "the image cannot be pulled", reportingController: "weir.dev/controller", reportingInstance: "controller-0",
      regarding: { apiVersion: "weir.dev/v1alpha1", kind: "Thread", namespace: "a", name: "t", uid: "u" },
    }]);
    expect((await written())[0]).not.toHaveProperty("series");
  });

  test("that repeats within its window is counted in the same one", async () => {
    const { events, written, pass } = stage();
    events.record(aNote());
    await expect.poll(async () => (await written()).length).toBe(1);
    for (let repetition = 0; repetition < 40; repetition += 1) events.record(aNote({ note: "again" }));
    await expect.poll(async () => { pass(1); return written(); }).toMatchObject([{ series: { count: 41 }, note: "the image cannot be pulled" }]);
  });

  test("is a new one after its window, and for another reason or object", async () => {
    const { events, written, clock } = stage();
    events.record(aNote());
    events.record(aNote({ reason: "Paused" }));
    events.record(aNote({ regarding: { kind: "Thread", metadata: { name: "other", namespace: "a" } } }));
    await expect.poll(async () => (await written()).length).toBe(3);
    clock.advance(600_000);
    events.record(aNote());
    await expect.poll(async () => (await written()).length).toBe(4);
  });

  test("is cut at a kilobyte between two characters", async () => {
    const { events, written } = stage();
    events.record(aNote({ note: `x${"😀".repeat(1_000)}` }));
    await expect.poll(async () => (await written()).length).toBe(1);
    const note = (await written())[0]?.["note"] as string;
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1_024);
    expect(note).toBe(`x${"😀".repeat(255)}`);
  });

  test("about an object without a namespace goes to default, and a long name is shortened", async () => {
    const { events, written } = stage();
    events.record(aNote({ regarding: { kind: "Namespace", metadata: { name: "n".repeat(253) } } }));
    await expect.poll(async () => (await written())[0]?.metadata.namespace).toBe("default");
    expect((await written())[0]?.metadata.name.length).toBeLessThan(253);
  });
});

describe("the recorder", () => {
  test("writes no more than its budget, and the rest when there is more", async () => {
    const { events, written, pass, api } = stage({ burst: 10, perSecond: 1 });
    for (let index = 0; index < 30; index += 1) events.record(aNote({ reason: `Reason${index}` }));
    await expect.poll(async () => (await written()).length).toBe(10);
    pass(5_000);
    await expect.poll(async () => (await written()).length).toBe(15);
    expect(api.requests.filter((request) => request.startsWith("create"))).toHaveLength(15);
  });

  test("survives an API server that refuses or is away", async () => {
    const { api, events, written, pass } = stage();
    api.failNext("create events", new KubeError(0, "Unreachable", "away"));
    events.record(aNote());
    await api.seen("create events");
    await expect.poll(async () => { pass(60_000); return (await written()).length; }).toBe(1);
    api.failNext("create events", new KubeError(403, "Forbidden", "no"));
    events.record(aNote({ reason: "Forbidden" }));
    await api.seen("create events");
    events.record(aNote({ reason: "Later" }));
    await expect.poll(async () => (await written()).map((event) => event["reason"])).toEqual(["StartFailed", "Later"]);
  });

  test("keeps a bounded number of events in mind", () => {
    const { events } = stage();
    for (let index = 0; index < 10_000; index += 1) events.record(aNote({ reason: `Reason${index}` }));
    expect(() => { events.record(aNote()); }).not.toThrow();
  });
});
