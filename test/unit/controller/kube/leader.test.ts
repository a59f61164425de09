import { afterEach, describe, expect, test, vi } from "vitest";
import { KubeError, type KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { silentLog } from "../../../../common/log.ts";
import { kubeConfig } from "../../../../controller/kube/config.ts";
import { lead, type Work } from "../../../../controller/kube/leader.ts";
import { NotLeadingError, type Term } from "../../../../controller/kube/term.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const LEASE = { namespace: "weir", name: "weir-controller" };
const config = kubeConfig.parse({});

/** One contender whose pauses the test ends, each after its time has passed on the clock that all share. */
class Contender {
  readonly terms: Term[] = [];
  readonly stop = new AbortController();
  readonly done: Promise<void>;
  #turn = Promise.withResolvers<void>();
  #isResting = false;

  constructor(api: MemoryKubeApi, clock: TestClock, identity: string, work?: Work) {
    const standard: Work = async (term, signal) => {
      this.terms.push(term);
      await new Promise<void>((resolve) => { signal.addEventListener("abort", () => { resolve(); }, { once: true }); });
    };
    this.done = lead({
      api, config, identity, namespace: "weir", log: silentLog, clock,
      pause: async (_ms, signal) => {
        this.#turn = Promise.withResolvers();
        this.#isResting = true;
        const end = (): void => { this.#turn.resolve(); };
        signal.addEventListener("abort", end, { once: true });
        await this.#turn.promise;
        this.#isResting = false;
        signal.removeEventListener("abort", end);
      },
    }, work ?? standard, this.stop.signal);
    this.done.catch(() => undefined);
  }

  /** Lets it look once more, and waits until it has. */
  async look(): Promise<void> {
    await this.rested();
    this.#isResting = false;
    this.#turn.resolve();
    await this.rested();
  }

  async rested(): Promise<void> {
    await vi.waitUntil(() => this.#isResting, { interval: 1 });
  }

  get leads(): boolean {
    const term = this.terms.at(-1);
    try {
      term?.check();
      return term !== undefined;
    } catch {
      return false;
    }
  }
}

const contenders: Contender[] = [];
afterEach(async () => {
  for (const { stop, done } of contenders.splice(0)) {
    stop.abort(new Error("end of the test"));
    await done.catch(() => undefined);
  }
});

function stage(): { api: MemoryKubeApi; clock: TestClock; contend(identity: string, work?: Work): Promise<Contender> } {
  const api = new MemoryKubeApi();
  const clock = new TestClock();
  return {
    api, clock,
    contend: async (identity, work) => {
      const contender = new Contender(api, clock, identity, work);
      contenders.push(contender);
      await contender.rested();
      return contender;
    },
  };
}

const specOf = (lease: KubeObject | null): Record<string, unknown> => (lease?.["spec"] ?? {}) as Record<string, unknown>;

describe("leader election", () => {
  test("the first one leads at once and the second waits", async () => {
    const { api, contend } = stage();
    const first = await contend("first");
    const second = await contend("second");
    expect([first.leads, second.leads]).toEqual([true, false]);
    expect(specOf(await api.get(TYPES.leases, LEASE))).toMatchObject({ holderIdentity: "first", leaseDurationSeconds: 15, leaseTransitions: 0 });
  });

  test("a leader that renews keeps leading, whatever the time", async () => {
    const { clock, contend } = stage();
    const first = await contend("first");
    const second = await contend("second");
    for (let round = 0; round < 20; round += 1) {
      clock.advance(2_000);
      await first.look();
      await second.look();
    }
    expect([first.leads, second.leads]).toEqual([true, false]);
  });

  test("a leader that stands still is replaced after the lease's duration as the other saw it, and has stopped writing before", async () => {
    const { clock, contend } = stage();
    const first = await contend("first");
    const second = await contend("second");
    clock.advance(14_000);
    await second.look();
    expect([first.leads, second.leads]).toEqual([false, false]);
    clock.advance(1_000);
    await second.look();
    expect([first.leads, second.leads]).toEqual([false, true]);
    expect(second.terms[0]?.epoch).toBe(1);
    await first.look();
    expect(first.terms[0]?.signal.reason).toBeInstanceOf(NotLeadingError);
  });

  test("what the Lease says of times is not believed: only that it changes", async () => {
    const { api, clock, contend } = stage();
    await api.create(TYPES.leases, { metadata: LEASE, spec: { holderIdentity: "foreign", leaseDurationSeconds: 15, renewTime: "1999-01-01T00:00:00.000000Z", leaseTransitions: 4 } });
    const second = await contend("second");
    for (let round = 0; round < 10; round += 1) {
      clock.advance(10_000);
      const lease = await api.get(TYPES.leases, LEASE);
      await api.replace(TYPES.leases, { ...lease!, metadata: { ...lease!.metadata, annotations: { round: String(round) } } });
      await second.look();
    }
    expect(second.leads).toBe(false);
    clock.advance(15_000);
    await second.look();
    expect(second.leads).toBe(true);
    expect(second.terms[0]?.epoch).toBe(5);
  });

  test("a Lease of longer duration is waited for as long as it says", async () => {
    const { api, clock, contend } = stage();
    await api.create(TYPES.leases, { metadata: LEASE, spec: { holderIdentity: "foreign", leaseDurationSeconds: 60 } });
    const second = await contend("second");
    clock.advance(59_000);
    await second.look();
    expect(second.leads).toBe(false);
    clock.advance(1_000);
    await second.look();
    expect(second.leads).toBe(true);
  });

  test("when it stops, it lets go of the Lease only after the work has ended, and the other need not wait", async () => {
    const { api, contend } = stage();
    const mayEnd = Promise.withResolvers<void>();
    const first = await contend("first", async (_term, signal) => {
      await new Promise<void>((resolve) => { signal.addEventListener("abort", () => { resolve(); }); });
      await mayEnd.promise;
    });
    const second = await contend("second");
    first.stop.abort(new Error("stopping"));
    await second.look();
    expect(second.leads).toBe(false);
    mayEnd.resolve();
    await first.done;
    expect(specOf(await api.get(TYPES.leases, LEASE))["holderIdentity"]).toBe("");
    await second.look();
    expect(second.leads).toBe(true);
    expect(second.terms[0]?.epoch).toBe(1);
  });

  test("it keeps the Lease if a write may still happen: the other waits for its end", async () => {
    const { api, clock, contend } = stage();
    const first = await contend("first", async (term, signal) => {
      await term.write(async () => { throw new KubeError(0, "Timeout", "no answer"); }).catch(() => undefined);
      await new Promise<void>((resolve) => { signal.addEventListener("abort", () => { resolve(); }); });
    });
    const second = await contend("second");
    first.stop.abort(new Error("stopping"));
    await first.done;
    expect(specOf(await api.get(TYPES.leases, LEASE))["holderIdentity"]).toBe("first");
    await second.look();
    clock.advance(15_000);
    await second.look();
    expect(second.leads).toBe(true);
  });

  test("it goes on leading through trouble that is shorter than its deadline", async () => {
    const { api, clock, contend } = stage();
    const first = await contend("first");
    for (let round = 0; round < 2; round += 1) {
      clock.advance(2_000);
      api.failNext("replace leases", new KubeError(0, "Timeout", "no answer"));
      await first.look();
    }
    expect(first.leads).toBe(true);
    clock.advance(2_000);
    await first.look();
    clock.advance(6_000);
    expect(first.leads).toBe(true);
  });

  test("it ends its work when it could not renew in time", async () => {
    const { api, clock, contend } = stage();
    const first = await contend("first");
    for (let round = 0; round < 5; round += 1) {
      clock.advance(2_000);
      api.failNext("replace leases", new KubeError(0, "Timeout", "no answer"));
      api.failNext("get leases", new KubeError(0, "Timeout", "no answer"));
      await first.look();
    }
    expect(first.terms[0]?.signal.aborted).toBe(true);
    expect(() => { first.terms[0]?.check(); }).toThrow("could not be renewed in time");
  });

  test("it leads again only when no write of its last term can still happen", async () => {
    const { api, clock, contend } = stage();
    const epochs: number[] = [];
    const first = await contend("first", async (term, signal) => {
      epochs.push(term.epoch);
      await term.write(async () => new Promise((_resolve, reject) => { signal.addEventListener("abort", () => { reject(signal.reason as Error); }); }));
    });
    for (let round = 0; round < 5; round += 1) {
      clock.advance(2_000);
      // After a renewal without an answer, the Lease is looked at before the next.
      api.failNext(round === 0 ? "replace leases" : "get leases", new KubeError(0, "Timeout", "no answer"));
      await first.look();
    }
    expect(specOf(await api.get(TYPES.leases, LEASE))["holderIdentity"]).toBe("first");
    expect(epochs).toEqual([0]);
    await first.look();
    expect(epochs).toEqual([0, 1]);
  });

  test("a renewal whose answer was lost does not end the term: the Lease is looked at", async () => {
    const { api, clock, contend } = stage();
    const first = await contend("first");
    const lease = await api.get(TYPES.leases, LEASE);
    // Stands for the write that arrived although its answer did not.
    await api.replace(TYPES.leases, lease!);
    for (const _try of ["conflict", "look"]) {
      clock.advance(2_000);
      await first.look();
    }
    clock.advance(6_000);
    expect(first.leads).toBe(true);
  });

  test.each([["held by another", "usurper"], ["given to nobody", ""]])("a Lease that is %s by force ends the term", async (_what, holderIdentity) => {
    const { api, clock, contend } = stage();
    const first = await contend("first");
    const lease = await api.get(TYPES.leases, LEASE);
    await api.replace(TYPES.leases, { ...lease!, spec: { ...specOf(lease), holderIdentity } });
    clock.advance(2_000);
    await first.look();
    clock.advance(2_000);
    await first.look();
    expect(first.terms[0]?.signal.aborted).toBe(true);
  });

  test("a Lease that was deleted is waited for like one that is not renewed", async () => {
    const { api, clock, contend } = stage();
    const first = await contend("first");
    const second = await contend("second");
    await api.remove(TYPES.leases, LEASE);
    await second.look();
    expect(second.terms).toEqual([]);
    clock.advance(7_000);
    expect([first.leads, second.leads]).toEqual([false, false]);
    clock.advance(8_000);
    await second.look();
    expect([first.leads, second.leads]).toEqual([false, true]);
  });

  test("of many that see it free, one takes it", async () => {
    const { clock, contend } = stage();
    const all = await Promise.all(Array.from({ length: 8 }, async (_each, index) => contend(`c${index}`)));
    expect(all.filter(({ leads }) => leads)).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) {
      clock.advance(15_000);
      await Promise.all(all.map(async (each) => each.look()));
      expect(all.filter(({ leads }) => leads).length).toBeLessThanOrEqual(1);
    }
  });

  test("work that fails lets go of the Lease and is told", async () => {
    const { api, clock } = stage();
    const failed = new Contender(api, clock, "first", async () => { throw new Error("work of the test"); });
    await expect(failed.done).rejects.toThrow("work of the test");
    expect(specOf(await api.get(TYPES.leases, LEASE))["holderIdentity"]).toBe("");
  });

  test("a Lease that cannot be read is nobody's to take", async () => {
    const { api, clock, contend } = stage();
    await api.create(TYPES.leases, { metadata: LEASE, spec: { holderIdentity: 7 } });
    const second = await contend("second");
    clock.advance(60_000);
    await second.look();
    expect(second.terms).toEqual([]);
  });
});

describe("the settings of leader election", () => {
  test.each([
    [{ leader: { leaseDurationMs: 10_000 } }, "renewDeadlineMs"], [{ leader: { retryPeriodMs: 6_000 } }, "retryPeriodMs"], [{ writeTimeoutMs: 6_000 }, "writeTimeoutMs"],
    [{ leader: { leaseDurationMs: 15_500 } }, "whole seconds"],
  ])("%o would let a write outlive its lease, or leave no time to renew it", (settings, problem) => {
    expect(JSON.stringify(kubeConfig.safeParse(settings).error?.issues)).toContain(problem);
  });
});
