import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { CachedSecret } from "../../../../proxy/credentials/cached-secret.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER } from "../../../support/credentials.ts";
import { LeasingStore, leaseStand, NEVER, settled } from "../../../support/lease-stand.ts";

const LIMITS = { cacheTtlMs: 60_000, failureTtlMs: 1_000, fetchTimeoutMs: 5_000, attempts: 3, attemptDelayMs: 200 };

/** A source whose outcomes the test scripts: what it answers next, whether it is current, how often it was asked. */
class ScriptedSource implements SecretSource {
  readonly describe = "scripted";
  readonly scope = "shared";
  fetches = 0;
  isStillCurrent = true;
  readonly #outcomes: (() => Promise<Material>)[];

  constructor(...outcomes: (() => Promise<Material>)[]) {
    this.#outcomes = outcomes;
  }

  fetch(): Promise<Material> {
    this.fetches += 1;
    const outcome = this.#outcomes.length > 1 ? this.#outcomes.shift() : this.#outcomes[0];
    return outcome === undefined ? Promise.reject(new Error("no script")) : outcome();
  }

  isCurrent(): boolean {
    return this.isStillCurrent;
  }
}

const gives = (version: string) => async () => singleValue(new Secret(`value ${version}`), version);
const fails = (fault: SourceError["fault"]) => () => Promise.reject(new SourceError(fault, "scripted"));

function cacheOf(source: SecretSource, over: Readonly<Record<string, unknown>> = {}) {
  const { parts, rhythm, events } = leaseStand();
  const cached = new CachedSecret({ ...parts(source, { ...LIMITS, ...over }), owner: { grant: "g", place: source.describe, instance: "i1", thread: "t1" } });
  const get = async (signal = NEVER): Promise<string> => {
    const got = cached.get(signal, A_BORROWER);
    got.catch(() => undefined);
    await settled();
    return (await got).version;
  };
  return { cached, rhythm, events, clock: rhythm.clock, pauses: rhythm.pauses, get };
}

describe("a cached secret", () => {
  test("is fetched once for a thousand that wait for it", async () => {
    const gate = Promise.withResolvers<Material>();
    const source = new ScriptedSource(() => gate.promise);
    const { cached } = cacheOf(source);
    const waiting = Array.from({ length: 1_000 }, async () => cached.get(NEVER, A_BORROWER));
    gate.resolve(await gives("1")());
    const versions = new Set((await Promise.all(waiting)).map(({ version }) => version));
    expect([versions, source.fetches]).toEqual([new Set(["1"]), 1]);
  });

  test("fails once for a thousand that wait for it, each with the same fault", async () => {
    const source = new ScriptedSource(fails("forbidden"));
    const { cached } = cacheOf(source);
    const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, async () => cached.get(NEVER, A_BORROWER)));
    expect(outcomes.every((outcome) => outcome.status === "rejected" && (outcome.reason as SourceError).fault === "forbidden")).toBe(true);
    expect(source.fetches).toBe(1);
  });

  test("is used until its time is over and then fetched again", async () => {
    const source = new ScriptedSource(gives("1"), gives("2"));
    const { get, clock } = cacheOf(source);
    expect(await get()).toBe("1");
    clock.advance(59_999);
    expect(await get()).toBe("1");
    clock.advance(1);
    expect(await get()).toBe("2");
  });

  test("is not kept longer or shorter because someone sets the clock", async () => {
    const source = new ScriptedSource(gives("1"), gives("2"));
    const { get, clock } = cacheOf(source);
    await get();
    clock.jump(-86_400_000);
    expect(await get()).toBe("1");
    clock.jump(2 * 86_400_000);
    expect(await get()).toBe("1");
  });

  test("is fetched again at once when its source says that it changed", async () => {
    const source = new ScriptedSource(gives("1"), gives("2"));
    const { get } = cacheOf(source);
    await get();
    source.isStillCurrent = false;
    expect(await get()).toBe("2");
  });

  test("is not used past its time because the source is down", async () => {
    const source = new ScriptedSource(gives("1"), fails("sealed"));
    const { get, rhythm } = cacheOf(source);
    await get();
    await rhythm.pass(60_000);
    const late = get();
    late.catch(() => undefined);
    await rhythm.pass(1_000);
    await expect(late).rejects.toThrow("sealed");
  });

  test("is tried again with growing pauses while the fault may pass", async () => {
    const source = new ScriptedSource(fails("sealed"), fails("unreachable"), gives("1"));
    const { get, pauses, rhythm } = cacheOf(source);
    const got = get();
    await rhythm.pass(1_000);
    expect(await got).toBe("1");
    expect(pauses).toEqual([150, 300]);
  });

  test("is not tried again when the fault will not pass", async () => {
    const source = new ScriptedSource(fails("missing"), gives("1"));
    const { get } = cacheOf(source);
    await expect(get()).rejects.toThrow("missing");
    expect(source.fetches).toBe(1);
  });

  test("is not asked for while a failure is fresh, and heals after", async () => {
    const source = new ScriptedSource(fails("missing"), gives("1"));
    const { get, clock } = cacheOf(source);
    await expect(get()).rejects.toThrow("missing");
    clock.advance(999);
    await expect(get()).rejects.toThrow("missing");
    expect(source.fetches).toBe(1);
    clock.advance(1);
    expect(await get()).toBe("1");
  });

  test("still comes for the others when one that waits goes away", async () => {
    const gate = Promise.withResolvers<Material>();
    const { cached } = cacheOf(new ScriptedSource(() => gate.promise));
    const leaver = new AbortController();
    const left = cached.get(leaver.signal, A_BORROWER);
    const stays = cached.get(NEVER, A_BORROWER);
    leaver.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    gate.resolve(await gives("1")());
    expect((await stays).version).toBe("1");
  });

  test("is held by who has it past its time and beside the next one, until it is dropped", async () => {
    const { cached, get, clock } = cacheOf(new ScriptedSource(gives("1"), gives("2")));
    await get();
    const had = cached.inHand() as Material;
    clock.advance(60_000);
    expect([await get(), cached.isHeld(had)]).toEqual(["2", true]);
    await cached.drop("it was compromised");
    expect([await get(), cached.isHeld(had), cached.isHeld(cached.inHand() as Material)]).toEqual(["2", false, true]);
  });

  test("fails in our words when the source throws something of its own", async () => {
    const source = new ScriptedSource(() => Promise.reject(new Error("s.verysecrettoken")));
    const { get } = cacheOf(source);
    await expect(get()).rejects.toThrow("down: the source failed in a way of its own");
  });

  test("is given up after its deadline although the source never answers", async () => {
    const { cached } = cacheOf(new ScriptedSource(() => Promise.withResolvers<Material>().promise), { fetchTimeoutMs: 100 });
    await expect(cached.get(NEVER, A_BORROWER)).rejects.toThrow("slow: no answer within 100 ms");
  });
});

describe("a leased secret", () => {
  const leased = (over: Readonly<Record<string, unknown>> = {}) => {
    const store = new LeasingStore();
    return { store, ...cacheOf(store, { cacheTtlMs: 1_000, ...over }) };
  };

  test("is kept for as long as its lease, not for the time of what is not leased", async () => {
    const { get, rhythm, store } = leased();
    expect(await get()).toBe("lease-1");
    await rhythm.pass(30_000);
    expect(await get()).toBe("lease-1");
    expect(store.fetches).toBe(1);
  });

  test("is renewed at two thirds of its time, a little early, while it is used", async () => {
    const { get, rhythm, store } = leased();
    await get();
    await rhythm.pass(37_999);
    expect(store.renewed).toEqual([]);
    await rhythm.pass(1);
    expect(store.renewed).toEqual(["lease-1"]);
    await rhythm.pass(59_000);
    expect(await get()).toBe("lease-1");
  });

  test("is not renewed when nobody used it since, and is given back at its end", async () => {
    const { get, rhythm, store } = leased();
    await get();
    await rhythm.pass(38_000 + 38_000);
    expect(store.renewed).toHaveLength(1);
    await rhythm.pass(22_000);
    expect([...store.out]).toEqual([]);
    expect(await get()).toBe("lease-2");
  });

  test("is renewed for as long as somebody who has it asks whether it is held, and no longer is when it was dropped", async () => {
    const { cached, get, rhythm, store } = leased();
    await get();
    const had = cached.inHand() as Material;
    for (let asked = 0; asked < 10; asked += 1) {
      await rhythm.pass(30_000);
      expect(cached.isHeld(had)).toBe(true);
    }
    expect(store.fetches).toBe(1);
    await cached.drop("the test says so");
    expect(cached.isHeld(had)).toBe(false);
  });

  test("is not used beyond its lease while the store is down, and heals after", async () => {
    const { get, rhythm, store } = leased({ attempts: 1 });
    await get();
    Object.assign(store, { renewFault: "sealed", fetchFault: "sealed" });
    await rhythm.pass(59_999);
    expect(await get()).toBe("lease-1");
    await rhythm.pass(1);
    await expect(get()).rejects.toThrow("sealed");
    Object.assign(store, { renewFault: null, fetchFault: null });
    await rhythm.pass(10_000);
    expect(await get()).toBe("lease-3");
  });

  test("is dropped at once when its renewal is forbidden, though it had time left", async () => {
    const { get, rhythm, store, events } = leased();
    await get();
    store.renewFault = "forbidden";
    await rhythm.pass(38_000);
    expect(await get()).toBe("lease-2");
    expect(events).toContainEqual({ event: "credential.renewed", outcome: "failed", fields: expect.objectContaining({ lease: "lease-1", fault: "forbidden" }) as unknown });
  });

  test("gives way to a new lease when renewal has come to its end, and stays for who has it", async () => {
    const { get, rhythm, store } = leased();
    await get();
    store.renewalMs = 20_000;
    await rhythm.pass(38_000);
    expect(await get()).toBe("lease-1");
    await rhythm.pass(14_000);
    expect(await get()).toBe("lease-2");
    expect([...store.out]).toEqual(["lease-1", "lease-2"]);
    await rhythm.pass(6_000);
    expect([...store.out]).toEqual(["lease-2"]);
  });

  test("is taken back when it is dropped, and the store is asked again until it confirms", async () => {
    const { cached, get, rhythm, store, events } = leased();
    await get();
    store.revokeFault = "sealed";
    const dropped = cached.drop("its instance has ended");
    await rhythm.pass(5_000);
    expect([...store.out]).toEqual(["lease-1"]);
    store.revokeFault = null;
    await rhythm.pass(10_000);
    await dropped;
    expect([...store.out]).toEqual([]);
    expect(events.filter(({ event }) => event === "credential.revoked").map(({ outcome }) => outcome)).toEqual(["failed", "succeeded"]);
  });

  test("that comes after it was dropped is taken back, and nobody gets it", async () => {
    const { cached, get, store } = leased();
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    const late = get();
    late.catch(() => undefined);
    await settled();
    const dropped = cached.drop("its instance has ended");
    gate.resolve();
    await dropped;
    await expect(late).rejects.toThrow("revoked");
    expect([...store.out]).toEqual([]);
    expect(await get()).toBe("lease-2");
  });

  test("that comes when its time is over is given back, and is waited for when it is dropped", async () => {
    const { cached, store } = leased({ fetchTimeoutMs: 100 });
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    await expect(cached.get(NEVER, A_BORROWER)).rejects.toThrow("slow: no answer within 100 ms");
    expect(cached.isIdle).toBe(false);
    const dropped = cached.drop("its instance has ended");
    gate.resolve();
    await dropped;
    expect([store.fetches, [...store.out], cached.isIdle]).toEqual([1, [], true]);
  });

  test("that is dropped in the pause before another attempt is not asked for again", async () => {
    const { cached, get, rhythm, store } = leased({ attemptDelayMs: 2_000 });
    store.fetchFault = "sealed";
    const late = get();
    late.catch(() => undefined);
    await settled();
    store.fetchFault = null;
    await cached.drop("its instance has ended");
    await rhythm.pass(5_000);
    await expect(late).rejects.toThrow("revoked");
    expect([store.fetches, [...store.out]]).toEqual([1, []]);
  });

  test("says nothing of its value in what is recorded", async () => {
    const { cached, get, events } = leased();
    await get();
    await cached.drop("x");
    expect(JSON.stringify(events)).not.toContain("secret of");
    expect(events.map(({ event }) => event)).toEqual(["credential.leased", "credential.revoked"]);
  });
});
