import { describe, expect, test } from "vitest";
import { SecretCache } from "../../../../proxy/credentials/secret-cache.ts";
import { A_BORROWER, AN_AGENT } from "../../../support/credentials.ts";
import { LeasingStore, leaseStand, NEVER, ownerOf } from "../../../support/lease-stand.ts";

function cacheOf(scope: "shared" | "instance") {
  const store = new LeasingStore(scope);
  const { parts, desk, events } = leaseStand();
  const cache = new SecretCache("db", parts(store));
  const of = (instance: string) => cache.of({ ...AN_AGENT, instance });
  const get = async (instance: string) => (await of(instance).get(NEVER, A_BORROWER)).version;
  return { store, cache, of, get, desk, events };
}

describe("the cache of a grant", () => {
  test("has one secret for all where the source shares it", async () => {
    const { get, store } = cacheOf("shared");
    expect([await get("i1"), await get("i2"), store.fetches]).toEqual(["lease-1", "lease-1", 1]);
  });

  test("has one for each instance where the source does not, and fetches each once for a thousand that wait", async () => {
    const { get, store } = cacheOf("instance");
    const versions = await Promise.all(Array.from({ length: 2_000 }, async (_, index) => get(`i${index % 2}`)));
    expect([new Set(versions).size, store.fetches]).toEqual([2, 2]);
  });

  test("gives back what is leased for an instance that ended, and for no other", async () => {
    const { get, store, cache, desk } = cacheOf("instance");
    await get("i1");
    await get("i2");
    const { count, done } = cache.drop((secret) => ownerOf(secret) === "i1", "ended");
    await done;
    expect([count, [...store.out], desk.out]).toEqual([1, ["lease-2"], 1]);
    expect([await get("i2"), await get("i1")]).toEqual(["lease-2", "lease-3"]);
  });

  test("holds a bounded number: the one that was not asked for the longest is given back", async () => {
    const { get, store, of } = cacheOf("instance");
    await get("first");
    await get("second");
    for (let index = 0; index < 4_095; index += 1) of(`i${index}`);
    await Promise.resolve();
    await Promise.resolve();
    expect([...store.out]).toEqual(["lease-2"]);
  });
});
