import { describe, expect, test } from "vitest";
import { SourceError, type SourceFault } from "../../../../../proxy/credentials/secret-source.ts";
import { GrantBreaker, StoreBreaker } from "../../../../../proxy/credentials/leases/store-breaker.ts";
import { TestRhythm } from "../../../../support/lease-stand.ts";

const LIMITS = { breakerFaults: 3, breakerRestMs: 4_000 };

function breaker() {
  const rhythm = new TestRhythm();
  const changes: boolean[] = [];
  const store = new StoreBreaker("store", { limits: LIMITS, rhythm, onChange: (isOpen) => { changes.push(isOpen); } });
  let asked = 0;
  const ask = async (fault: SourceFault | null = null, retryAfterMs = 0) => store.guard(async () => {
    asked += 1;
    if (fault !== null) throw new SourceError(fault, "scripted", retryAfterMs);
    return "secret";
  }).catch((error: unknown) => (error as SourceError).fault);
  return { rhythm, changes, ask, asked: () => asked, store };
}

describe("a breaker", () => {
  test("asks a store no more that failed several times in a row, until its rest is over", async () => {
    const { ask, asked, rhythm, changes } = breaker();
    for (const fault of ["sealed", "slow", "unreachable"] as const) expect(await ask(fault)).toBe(fault);
    expect(await ask()).toBe("resting");
    rhythm.clock.advance(2_999);
    expect(await ask()).toBe("resting");
    expect(asked()).toBe(3);
    rhythm.clock.advance(1);
    expect([await ask(), await ask()]).toEqual(["secret", "secret"]);
    expect(changes).toEqual([true, false]);
  });

  test("lets one try after the rest, and tells the others no meanwhile", async () => {
    const { ask, asked, rhythm, store, changes } = breaker();
    for (let fault = 0; fault < 3; fault += 1) await ask("down");
    rhythm.clock.advance(3_000);
    const gate = Promise.withResolvers<string>();
    const probe = store.guard(async () => gate.promise);
    expect(await ask()).toBe("resting");
    gate.resolve("secret");
    expect(await probe).toBe("secret");
    expect([await ask(), asked(), changes]).toEqual(["secret", 4, [true, false]]);
  });

  test("rests again when the one that tries fails", async () => {
    const { ask, rhythm, changes } = breaker();
    for (let fault = 0; fault < 3; fault += 1) await ask("down");
    rhythm.clock.advance(3_000);
    expect([await ask("down"), await ask()]).toEqual(["down", "resting"]);
    rhythm.clock.advance(3_000);
    expect(await ask()).toBe("secret");
    expect(changes).toEqual([true, false]);
  });

  test("does not count a no as a failure: the store has answered", async () => {
    const { ask } = breaker();
    for (const fault of ["sealed", "sealed", "missing", "sealed", "forbidden", "sealed", "sealed"] as const) await ask(fault);
    expect(await ask()).toBe("secret");
  });

  test("leaves a store alone for as long as it asks, but not for longer than a minute", async () => {
    const { ask, rhythm } = breaker();
    await ask("rate-limited", 10_000);
    rhythm.clock.advance(9_999);
    expect(await ask()).toBe("resting");
    rhythm.clock.advance(1);
    expect(await ask("rate-limited", 86_400_000)).toBe("rate-limited");
    rhythm.clock.advance(60_000);
    expect(await ask()).toBe("secret");
  });
});

describe("the breaker of a grant in front of a store's", () => {
  const rhythm = new TestRhythm();
  const isOfStore = ({ fault }: SourceError) => fault === "sealed";
  const make = (name: string, isItsFault: (error: SourceError) => boolean) => new StoreBreaker(name, { limits: LIMITS, rhythm, onChange: () => {}, isItsFault });
  const pair = () => {
    const store = make("store", isOfStore);
    const grant = (name: string) => new GrantBreaker(make(name, (error) => !isOfStore(error)), store);
    return { broken: grant("broken"), good: grant("good") };
  };
  const ask = async (breakerOf: GrantBreaker, fault: SourceFault | null = null) =>
    breakerOf.guard(async () => { if (fault !== null) throw new SourceError(fault, "scripted"); }).then(() => "secret", (error: unknown) => (error as SourceError).fault);

  test("closes the store to nobody else when what it asks for fails", async () => {
    const { broken, good } = pair();
    for (let fault = 0; fault < 3; fault += 1) await ask(broken, "down");
    expect([await ask(broken), await ask(good), broken.store, good.isOpen]).toEqual(["resting", "secret", "broken", false]);
  });

  test("closes it to all when the store itself fails, and its own faults do not open the store again", async () => {
    const { broken, good } = pair();
    for (const fault of ["sealed", "down", "sealed", "down", "sealed"] as const) await ask(broken, fault);
    expect([await ask(good), good.store]).toEqual(["resting", "store"]);
    rhythm.clock.advance(4_000);
    expect([await ask(good), await ask(broken)]).toEqual(["secret", "secret"]);
  });
});
