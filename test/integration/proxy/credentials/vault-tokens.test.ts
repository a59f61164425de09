import { afterEach, describe, expect, test } from "vitest";
import { openLeasingVault, type LeasingVault } from "../../../support/leasing-vault.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function vaultFor(grants: Readonly<Record<string, unknown>>, over: Readonly<Record<string, unknown>> = {}): Promise<LeasingVault> {
  const vault = await openLeasingVault(grants, over);
  closers.push(vault.close);
  return vault;
}

const JWT = { auth: { method: "jwt", role: "agents" } };
const KEY = { credential: { type: "vault", path: "x" }, bind: { hosts: ["a.example.test"] } };

describe("an agent's token of Vault", () => {
  test("that could not be given back at once is given back later, and only then is it on record as gone", async () => {
    const vault = await vaultFor({ key: KEY }, { vault: JWT });
    await vault.lend("key");
    vault.refuse("/v1/auth/token/revoke-self", 503, 1);
    await vault.lender.endInstance("i1");
    await vault.until(() => vault.revoked().length === 2);
    expect([vault.revoked(), [...vault.tokens]]).toEqual([["failed", "succeeded"], []]);
  });

  test("is not had for an instance that has ended, whoever asks", async () => {
    const vault = await vaultFor({ key: KEY }, { vault: JWT });
    await vault.lend("key");
    await vault.lender.endInstance("i1");
    expect(await vault.lend("key")).toContain("revoked: the instance has ended");
    expect([vault.logins(), await vault.lend("key", "i2"), [...vault.tokens]]).toEqual([1, "lent", ["t2"]]);
  });

  test("is not had again for each request that is forbidden, where its role may not look it up, and all are given back", async () => {
    const vault = await vaultFor({ key: KEY }, { vault: JWT, failureTtlMs: 0 });
    vault.refuse("/v1/secret/data/x", 403);
    vault.refuse("/v1/auth/token/lookup-self", 403);
    for (let times = 0; times < 4; times += 1) expect(await vault.lend("key")).toContain("forbidden");
    expect(vault.logins()).toBe(2);
    await vault.lender.endInstance("i1");
    await vault.until(() => vault.revoked().length === 2);
    expect([vault.revoked(), [...vault.tokens]]).toEqual([["succeeded", "succeeded"], []]);
  });
});

const DATABASE = { credential: { type: "vault-database", role: "app" }, inject: { type: "basic" }, bind: { hosts: ["a.example.test"] } };

describe("a lease of Vault", () => {
  test("that comes later than anybody waits is given back, and the end of its instance waits for that", async () => {
    const vault = await vaultFor({ db: DATABASE }, { fetchTimeoutMs: 1_000, attempts: 1, failureTtlMs: 0, revokeTimeoutMs: 20_000 });
    vault.delay("/v1/database/creds/", 3_000);
    for (let times = 0; times < 3; times += 1) expect(await vault.lend("db")).toContain("slow");
    expect(vault.leases.size).toBe(2);
    await vault.lender.endInstance("i1");
    expect([[...vault.leases], vault.revoked()]).toEqual([[], ["succeeded", "succeeded"]]);
  });

  test("is given though Vault takes longer for it than for what it only reads", async () => {
    const vault = await vaultFor({ db: DATABASE }, { vault: { timeoutMs: 1_000 } });
    vault.delay("/v1/database/creds/", 1_500);
    expect(await vault.lend("db")).toBe("lent");
  });
});

describe("Vault", () => {
  test("is not closed to others by a grant whose path fails, nor by one that never answers", async () => {
    const vault = await vaultFor({ key: KEY, broken: DATABASE, stuck: { ...DATABASE, credential: { type: "vault", path: "stuck" } } }, {
      vault: { timeoutMs: 1_000 }, attempts: 1, failureTtlMs: 0, breakerFaults: 2, breakerRestMs: 60_000, cacheTtlMs: 100,
    });
    vault.refuse("/v1/database/creds/", 500);
    vault.delay("/v1/secret/data/stuck", 10_000);
    for (let times = 0; times < 3; times += 1) {
      await Promise.all([vault.lend("broken"), vault.lend("stuck")]);
      expect(await vault.lend("key")).toBe("lent");
    }
    expect(await vault.lend("broken")).toContain("resting");
    expect(await vault.lend("stuck")).toContain("resting");
  });

  test("is left alone by all when it is sealed", async () => {
    const vault = await vaultFor({ key: KEY, other: { ...KEY, credential: { type: "vault", path: "y" } } }, { attempts: 1, failureTtlMs: 0, breakerFaults: 2 });
    vault.refuse("/v1/secret/", 503);
    for (let times = 0; times < 2; times += 1) expect(await vault.lend("key")).toContain("sealed");
    expect(await vault.lend("other")).toContain("resting");
  });
});
