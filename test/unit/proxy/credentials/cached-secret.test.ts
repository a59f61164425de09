import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { CachedSecret, type FetchLimits } from "../../../../proxy/credentials/cached-secret.ts";
import { singleValue, SourceError, type Material, type SecretSource } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER } from "../../../support/credentials.ts";
import { TestClock } from "../../../support/test-clock.ts";

const LIMITS: FetchLimits = { cacheTtlMs: 60_000, failureTtlMs: 1_000, fetchTimeoutMs: 5_000, attempts: 3, attemptDelayMs: 200 };
const NEVER = new AbortController().signal;

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

function cacheOf(source: SecretSource, over: Partial<FetchLimits> = {}) {
  const clock = new TestClock();
  const pauses: number[] = [];
  const cached = new CachedSecret(source, { ...LIMITS, ...over }, { clock, random: () => 0.5, pause: async (ms) => { pauses.push(ms); } });
  return { cached, clock, pauses, get: async () => (await cached.get(NEVER, A_BORROWER)).version };
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
    const { get, clock } = cacheOf(source);
    await get();
    clock.advance(60_000);
    await expect(get()).rejects.toThrow("sealed");
  });

  test("is tried again with growing pauses while the fault may pass", async () => {
    const source = new ScriptedSource(fails("sealed"), fails("unreachable"), gives("1"));
    const { get, pauses } = cacheOf(source);
    expect(await get()).toBe("1");
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
