import { generateKeyPair, exportJWK, type FlattenedJWSInput } from "jose";
import { describe, expect, test } from "vitest";
import { KeySet } from "../../../../proxy/identity/key-set.ts";
import { TestClock } from "../../../support/test-clock.ts";

const TIMES = { refreshMs: 300_000, cooldownMs: 10_000 };
const TOKEN: FlattenedJWSInput = { payload: "", signature: "" };

describe("an issuer's keys", () => {
  test("I07 are read once in a cool-down, however many unknown key ids arrive", async () => {
    const clock = new TestClock();
    const { publicKey } = await generateKeyPair("ES256");
    let reads = 0;
    const keys = new KeySet(async () => { reads += 1; return { keys: [{ ...await exportJWK(publicKey), kid: "k1" }] }; }, TIMES, clock);
    const attempts = await Promise.allSettled(Array.from({ length: 10_000 }, async (_, at) => keys.find({ alg: "ES256", kid: `random-${at}` }, TOKEN)));
    expect(attempts.every(({ status }) => status === "rejected")).toBe(true);
    expect(reads).toBe(1);
    clock.advance(TIMES.cooldownMs);
    await Promise.allSettled(Array.from({ length: 1_000 }, async (_, at) => keys.find({ alg: "ES256", kid: `again-${at}` }, TOKEN)));
    expect(reads).toBe(2);
    await expect(keys.find({ alg: "ES256", kid: "k1" }, TOKEN)).resolves.toBeDefined();
  });

  test.each([null, [], {}, { keys: "x" }, { keys: [{ kty: "oct", k: "AAAA" }] }, { keys: [1] }])("are not taken from %j", async (answer) => {
    const keys = new KeySet(async () => answer, TIMES, new TestClock());
    await expect(keys.find({ alg: "ES256", kid: "k1" }, TOKEN)).rejects.toMatchObject({ code: "identity.unavailable" });
  });
});
