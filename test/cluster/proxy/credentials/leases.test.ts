import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { Secret } from "../../../../common/secret.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { borrowerOf, openLeaseLab, type LeaseLab } from "../../../support/lease-lab.ts";
import { enableAgentLogin, type AgentIssuer } from "../../../support/vault-lab.ts";
import { hasPostgres } from "../../../support/postgres-server.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);

describe.skipIf(bao === null || (!isRequired && !hasPostgres()))("users of a database, leased from a real OpenBao (npm run verify:cluster brings one)", () => {
  let lab: LeaseLab;
  beforeAll(async () => { lab = await openLeaseLab(bao ?? ""); }, 120_000);
  afterAll(async () => { await lab?.close(); });
  const isThere = async (user: string) => (await lab.users()).includes(user);

  test("are one for each instance, however many requests wait", async () => {
    const { lender, userOf } = lab.lender();
    const before = lab.front.asked.length;
    const users = await Promise.all(Array.from({ length: 1_000 }, async (_, index) => userOf(`i${index % 2}`)));
    expect(new Set(users).size).toBe(2);
    expect(lab.front.asked.slice(before).filter((path) => path === "database/creds/agent")).toHaveLength(2);
    await lender.close();
    expect(await lab.users()).toEqual([]);
  });

  test("are gone within two seconds of their instance's end, and those of others stay", async () => {
    const { lender, userOf, events } = lab.lender();
    const [mine, other] = [await userOf("mine"), await userOf("other")];
    const startedMs = performance.now();
    await lender.endInstance("mine");
    expect([await isThere(mine), await isThere(other)]).toEqual([false, true]);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(events.filter(({ event }) => event === "credential.revoked")).toEqual([expect.objectContaining({ outcome: "succeeded", fields: expect.objectContaining({ grant: "db", instance: "mine", thread: "thread-of-mine" }) as unknown })]);
    await lender.close();
  });

  test("are kept alive while they are used, and end when nobody uses them", async () => {
    await lab.role("short", 3, 60);
    const { lender, userOf, events } = lab.lender({ role: "short" });
    const user = await userOf("i1");
    const renewals = () => events.filter(({ event, outcome }) => event === "credential.renewed" && outcome === "succeeded").length;
    await eventually("three renewals of one user", async () => await userOf("i1") === user && renewals() >= 3, 15_000);
    expect(await isThere(user)).toBe(true);
    await eventually("the user is gone", async () => !await isThere(user), 10_000);
    await lender.close();
  });

  test("are followed by others when the store renews no more", async () => {
    await lab.role("final", 3, 5);
    const { lender, userOf } = lab.lender({ role: "final" });
    const first = await userOf("i1");
    await eventually("another user", async () => await userOf("i1") !== first, 8_000);
    await eventually("the first one is gone", async () => !await isThere(first), 8_000);
    await lender.close();
  });

  test("that somebody else revoked are noticed at the renewal, and the next request gets another", async () => {
    await lab.role("revoked", 4, 60);
    const { lender, userOf, events } = lab.lender({ role: "revoked" });
    const first = await userOf("i1");
    await lab.server.call("PUT", "sys/leases/revoke-prefix/database/creds/revoked");
    expect(await isThere(first)).toBe(false);
    await eventually("another user", async () => await userOf("i1") !== first, 5_000);
    expect(events).toContainEqual(expect.objectContaining({ event: "credential.renewed", outcome: "failed", fields: expect.objectContaining({ fault: "missing" }) as unknown }));
    await lender.close();
  });

  test("are dropped at once when the store says 403 at the renewal", async () => {
    await lab.role("forbidden", 4, 60);
    const { lender, userOf, events } = lab.lender({ role: "forbidden" });
    const first = await userOf("i1");
    lab.front.fault = { kind: "answer", status: 403 };
    await eventually("a refused renewal", () => events.some(({ event, outcome }) => event === "credential.renewed" && outcome === "failed"), 5_000);
    await expect(userOf("i1")).rejects.toMatchObject({ code: "credential.unavailable" });
    lab.front.fault = { kind: "none" };
    expect(await userOf("i1")).not.toBe(first);
    await eventually("the first one is gone", async () => !await isThere(first), 12_000);
    await lender.close();
  });

  test("live as long as their lease, however the clock of the machine is set", async () => {
    await lab.role("skewed", 3, 60);
    let skewMs = 0;
    const { lender, userOf } = lab.lender({ role: "skewed", clock: { nowMs: () => Date.now() + skewMs, monotonicMs: () => performance.now() } });
    const user = await userOf("i1");
    for (const days of [1, -2, 30]) {
      skewMs = days * 86_400_000;
      expect(await userOf("i1")).toBe(user);
    }
    await eventually("the user is gone", async () => !await isThere(user), 10_000);
    expect(await userOf("i1")).not.toBe(user);
    await lender.close();
  });

  test("are taken back when the store is there again, if it was not at the end of the instance", async () => {
    const { lender, userOf, events } = lab.lender({ settings: { revokeTimeoutMs: 300 } });
    const user = await userOf("i1");
    await lab.server.kill();
    const startedMs = performance.now();
    await lender.endInstance("i1");
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    expect(await isThere(user)).toBe(true);
    await lab.server.start();
    await lab.server.unseal();
    await eventually("the user is gone", async () => !await isThere(user), 20_000);
    await eventually("it is on record", () => events.some(({ event, outcome }) => event === "credential.revoked" && outcome === "succeeded"));
    await lender.close();
  });

  test("that a dead proxy left are taken back by the next one, with the token that it had", async () => {
    const leaseDirectory = join(lab.directory, "crash");
    const dead = lab.lender({ leaseDirectory });
    const users = [await dead.userOf("i1"), await dead.userOf("i2")];
    lab.front.fault = { kind: "reset" };
    // It never reaches the store again: as if it had been killed.
    await dead.lender.close();
    lab.front.fault = { kind: "none" };
    expect(readdirSync(leaseDirectory).filter((name) => name.endsWith(".book"))).toHaveLength(1);
    const next = lab.lender({ leaseDirectory });
    await next.lender.reclaimOrphans(AbortSignal.timeout(60_000));
    await eventually("both are gone", async () => !await isThere(users[0] ?? "") && !await isThere(users[1] ?? ""), 10_000);
    expect(next.events.map(({ event, outcome }) => `${event} ${outcome}`)).toContain("credential.revoked succeeded");
    await next.lender.close();
    expect(readdirSync(leaseDirectory)).toEqual([]);
  });

  describe("with each agent's own login", () => {
    let issuer: AgentIssuer;
    beforeAll(async () => { issuer = await enableAgentLogin(lab.server, ["proxy"]); });
    const asAgents = (own: boolean, leaseDirectory = join(lab.directory, "agents")) => {
      const auth = { method: "jwt", role: "agent", ...(own ? { own: lab.vaultSection["auth"] } : {}) };
      const opened = lab.lender({ leaseDirectory, settings: { vault: { ...lab.vaultSection, auth } } });
      const userOf = async (instance: string) => {
        const borrower = { ...borrowerOf(instance), token: new Secret(await issuer.token("ada")) };
        return (await opened.lender.materialOf("db", borrower, AbortSignal.timeout(30_000))).material.values.username?.reveal() ?? "";
      };
      return { ...opened, userOf };
    };
    const logins = async () => {
      const { data } = await lab.server.call("GET", "auth/token/accessors?list=true") as { data: { keys: string[] } };
      const tokens = await Promise.all(data.keys.map(async (accessor) => lab.server.call("POST", "auth/token/lookup-accessor", { accessor }).catch(() => null)));
      return tokens.filter((token) => (token?.["data"] as { path?: string } | undefined)?.path === "auth/jwt/login").length;
    };

    test.each([true, false])("end with their instance, and so does the login, whether or not the proxy has one of its own (%s)", async (own) => {
      const { lender, userOf } = asAgents(own);
      const [mine, other] = [await userOf("mine"), await userOf("other")];
      expect(await logins()).toBe(2);
      await lender.endInstance("mine");
      expect([await isThere(mine), await isThere(other), await logins()]).toEqual([false, true, 1]);
      await lender.close();
      await eventually("all is gone", async () => !await isThere(other) && await logins() === 0, 10_000);
    });

    test("are taken back after a crash, and the logins with them", async () => {
      const leaseDirectory = join(lab.directory, "agents-crash");
      const dead = asAgents(true, leaseDirectory);
      const user = await dead.userOf("i1");
      lab.front.fault = { kind: "reset" };
      await dead.lender.close();
      lab.front.fault = { kind: "none" };
      expect([await isThere(user), await logins()]).toEqual([true, 1]);
      const next = asAgents(true, leaseDirectory);
      await next.lender.reclaimOrphans(AbortSignal.timeout(60_000));
      await eventually("all is gone", async () => !await isThere(user) && await logins() === 0, 10_000);
      await next.lender.close();
      expect(readdirSync(leaseDirectory)).toEqual([]);
    });
  });
});
