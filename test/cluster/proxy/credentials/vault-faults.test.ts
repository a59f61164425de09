import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { openFaultStage, type FaultStage } from "../../../support/fault-stage.ts";
import type { StoreFault } from "../../../support/faulty-store.ts";
import { basicUser } from "../../../support/leased-upstream.ts";
import { hasPostgres } from "../../../support/postgres-server.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);

/** Each row of the table in docs/failures.md. */
describe.skipIf(bao === null || (!isRequired && !hasPostgres()))("what agents see of a secret store's faults (npm run verify:cluster brings one)", () => {
  let stage: FaultStage;
  beforeAll(async () => { stage = await openFaultStage(bao ?? "", 4); }, 120_000);
  afterEach(async () => {
    stage.lab.front.fault = { kind: "none" };
    await heals();
  });
  afterAll(async () => { await stage?.close(); });

  const status = async (which: "kv" | "db" = "kv") => (await stage.ask(which)).status;
  const heals = async () => eventually("requests succeed again", async () => await status("kv") === 200 && await status("db") === 200, 20_000);

  /** What is cached may be used for as long as it may; then requests fail, with this fault on record, and nothing is sent. */
  async function fails(fault: RegExp): Promise<void> {
    await eventually(`the fault ${fault.source} is on record`, async () => await status() !== 200 && fault.test(stage.lastDetail()), 15_000);
    const sent = stage.upstream.shown.length;
    const answer = await stage.ask("kv");
    expect([answer.status, (JSON.parse(answer.body) as { error: string }).error]).toEqual([503, "credential.unavailable"]);
    expect(answer.body).not.toMatch(/vault|sealed|api|lease|secret/i);
    expect(stage.upstream.shown).toHaveLength(sent);
  }

  test("sealed: refused until it is unsealed", async () => {
    await heals();
    await stage.lab.server.seal();
    await fails(/sealed: Vault answered 503/);
    await stage.lab.server.unseal();
    await heals();
  });

  test("down: refused until it is back, and the breaker says no at once meanwhile", async () => {
    await stage.lab.server.kill();
    await fails(/unreachable/);
    await fails(/resting/);
    const asked = stage.lab.front.asked.length;
    await fails(/resting/);
    expect(stage.lab.front.asked.length - asked).toBeLessThan(3);
    await stage.lab.server.start();
    await stage.lab.server.unseal();
    await heals();
  });

  test.each<[string, StoreFault, RegExp]>([
    ["slow", { kind: "late", byMs: 5_000 }, /slow: /],
    ["cut off", { kind: "reset" }, /unreachable/],
    ["403", { kind: "answer", status: 403 }, /forbidden: .*Vault answered 403/],
    ["404", { kind: "answer", status: 404 }, /missing: Vault answered 404/],
    ["429", { kind: "answer", status: 429 }, /rate-limited: Vault answered 429/],
    ["500", { kind: "answer", status: 500 }, /down: Vault answered 500/],
    ["a redirect", { kind: "answer", status: 307 }, /redirected: Vault answered 307/],
  ])("%s: refused until it is over", async (_name, fault, detail) => {
    stage.lab.front.fault = fault;
    await fails(detail);
    stage.lab.front.fault = { kind: "none" };
    await heals();
  });

  test("429 with Retry-After: left alone for that long, then asked again", async () => {
    stage.lab.front.fault = { kind: "answer", status: 429, retryAfterSeconds: 2 };
    await fails(/resting/);
    const startedMs = performance.now();
    stage.lab.front.fault = { kind: "none" };
    const asked = stage.lab.front.asked.length;
    await eventually("it is asked again", async () => await status() === 200, 5_000);
    expect(stage.lab.front.asked.length - asked).toBeLessThan(10);
    expect(performance.now() - startedMs).toBeGreaterThan(500);
  });

  test("the secret is deleted: refused when what is cached is over, and lent again when it is there", async () => {
    await stage.lab.server.call("DELETE", "secret/data/api");
    await fails(/missing/);
    await stage.lab.server.call("POST", "secret/data/api", { data: { value: "kv-secret-2" } });
    await heals();
    expect(stage.upstream.shown.findLast(({ authorization }) => authorization?.startsWith("Bearer") === true)?.authorization).toBe("Bearer kv-secret-2");
  });

  test("a lease is revoked in the middle of its use: another is leased at the next renewal, without a refusal in between", async () => {
    await heals();
    const userNow = () => basicUser(stage.upstream.shown.at(-1)?.authorization ?? null);
    expect(await status("db")).toBe(200);
    const before = userNow();
    await stage.lab.server.call("PUT", "sys/leases/revoke-prefix/database/creds/stage");
    await eventually("another user is sent", async () => {
      expect(await status("db")).toBe(200);
      return userNow() !== before;
    }, 8_000);
    expect(await stage.lab.users()).toContain(userNow());
  });

  test("the proxy's login is revoked: it logs in again, and nobody notices", async () => {
    const { data } = await stage.lab.server.call("GET", "auth/token/accessors?list=true") as { data: { keys: string[] } };
    for (const accessor of data.keys) {
      const { data: token } = await stage.lab.server.call("POST", "auth/token/lookup-accessor", { accessor }) as { data: { path: string } };
      if (token.path === "auth/approle/login") await stage.lab.server.call("POST", "auth/token/revoke-accessor", { accessor });
    }
    await eventually("requests succeed", async () => await status("kv") === 200 && await status("db") === 200, 5_000);
  });
});
