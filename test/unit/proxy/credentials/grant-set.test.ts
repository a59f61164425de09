import { describe, expect, test } from "vitest";
import { GrantSet, type OpenGrant } from "../../../../proxy/credentials/grant-set.ts";
import { SecretCache } from "../../../../proxy/credentials/secret-cache.ts";
import type { Loan } from "../../../../proxy/model/loan.ts";
import { A_BORROWER, AN_AGENT, someGrants } from "../../../support/credentials.ts";
import { LeasingStore, leaseStand, NEVER } from "../../../support/lease-stand.ts";

const BIND = { hosts: ["api.example.test"] };
const borrower = (instance: string) => ({ ...A_BORROWER, agent: { ...AN_AGENT, instance } });
const shows = (loan: Loan | null) => loan?.headers.map(([name, value]) => `${name}: ${value.reveal()}`) ?? null;

/** Grants `a` and `b`, each from a store of its own. */
function setOf(...scopes: ("shared" | "instance")[]) {
  const { parts, rhythm } = leaseStand();
  const stores = scopes.map((scope) => new LeasingStore(scope));
  const opened = stores.map((source, index): OpenGrant => {
    const name = index === 0 ? "a" : "b";
    const { [name]: grant } = someGrants({ [name]: { credential: { type: "environment", name: "X" }, inject: { header: `x-${name}`, format: "{secret}" }, bind: BIND } });
    const made = parts(source);
    return { name, grant: grant!, source, breaker: made.breaker, cache: new SecretCache(name, made) };
  });
  return { set: new GrantSet(opened), stores, rhythm };
}

describe("grants that are lent together", () => {
  test("are one loan for all instances, made once, where all may share", async () => {
    const { set, stores } = setOf("shared");
    const loan = await set.fetchLoan(NEVER, borrower("i1"));
    expect([set.loanInHand(NEVER, "i1"), set.loanInHand(NEVER, "i2")]).toEqual([loan, loan]);
    expect(set.loanInHand(NEVER, "i2")).toBe(loan);
    expect(stores[0]?.fetches).toBe(1);
  });

  test("are one loan for each instance where one of them is made for each, and never another's", async () => {
    const { set, stores } = setOf("shared", "instance");
    const first = await set.fetchLoan(NEVER, borrower("i1"));
    expect(set.loanInHand(NEVER, "i2")).toBeNull();
    const second = await set.fetchLoan(NEVER, borrower("i2"));
    expect([shows(first), shows(second)]).toEqual([["x-a: secret of lease-1", "x-b: secret of lease-1"], ["x-a: secret of lease-1", "x-b: secret of lease-2"]]);
    expect(set.loanInHand(NEVER, "i1")).toBe(first);
    expect(set.loanInHand(NEVER, "i2")).toBe(second);
    expect(stores.map(({ fetches }) => fetches)).toEqual([1, 2]);
  });

  test("are in hand for no longer than the first of their secrets", async () => {
    const { set, stores, rhythm } = setOf("shared", "instance");
    stores[1]!.lifetimeMs = 5_000;
    stores[1]!.renewFault = "forbidden";
    await set.fetchLoan(NEVER, borrower("i1"));
    await rhythm.pass(2_000);
    expect(set.loanInHand(NEVER, "i1")).not.toBeNull();
    await rhythm.pass(3_000);
    expect(set.loanInHand(NEVER, "i1")).toBeNull();
  });

  test("are forgotten with their instance, and those of others are not", async () => {
    const { set } = setOf("instance");
    await set.fetchLoan(NEVER, borrower("i1"));
    const other = await set.fetchLoan(NEVER, borrower("i2"));
    set.forget("i1");
    expect([set.loanInHand(NEVER, "i1"), set.loanInHand(NEVER, "i2")]).toEqual([null, other]);
    set.forget(undefined);
    expect(set.loanInHand(NEVER, "i2")).toBeNull();
  });

  test("are not handed to a request that is over", async () => {
    const { set } = setOf("shared");
    await set.fetchLoan(NEVER, borrower("i1"));
    expect(() => set.loanInHand(AbortSignal.abort(new Error("gone")), "i1")).toThrow("gone");
  });
});
