import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountKey } from "../../../common/ledger/account-key.ts";
import { EXIT } from "../../../common/exit-codes.ts";
import type { KnownBudget } from "../../../controller/ledger/known-budgets.ts";
import { tailAudit } from "../../../proxy/operator.ts";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";
import { aRequest, startBudgetStand, type BudgetStand } from "../../support/budget-stand.ts";
import { weir, type Said } from "../../support/cli.ts";
import { mintAuthority } from "../../support/tls-authority.ts";

// The whole way of the command: cli/commands/budget.ts, cli/budget/open-book.ts and the books, cli/budget/cluster-book.ts and cli/budget/local-book.ts.

const DAILY: KnownBudget = {
  id: "team.daily", namespace: "team", name: "daily", meter: "usd", limit: 2_000_000_002n, window: "total", timezone: "UTC", per: "all", parent: null, thresholds: [{ percent: 50, action: "ask" }],
};
const KEY = accountKey({ budget: DAILY.id, meter: "usd", window: "total", scope: "all", shared: [] });

describe("weir budget, of a cluster, by the controller", () => {
  let folder: string;
  let stand: ApiStand;
  let way: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weir-budget-"));
    const authority = await mintAuthority();
    writeFileSync(join(folder, "ca.pem"), authority.caPem);
    for (const name of ["kim", "eve"]) writeFileSync(join(folder, `${name}.token`), `${tokenFor(name)}\n`);
    stand = await startApi({ tls: await authority.leaf(["127.0.0.1"]) });
    for (const name of ["kim", "eve"]) stand.addUser(name);
    for (const verb of ["list", "update"] as const) stand.allowBudgets("kim", verb, "team");
    stand.budgets.set(DAILY.id, DAILY);
    way = ["--server", `https://127.0.0.1:${stand.api.port}`, "--ca-file", join(folder, "ca.pem"), "-n", "team", "--token-file"];
    await spend(1_000_000_001n);
  });
  afterAll(async () => {
    await stand?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const spend = async (nano: bigint) => {
    const { id: budget, meter, limit, window, timezone, thresholds } = DAILY;
    const acquired = await stand.ledger.acquire("h", [{ account: { key: KEY, budget, meter, limit, window, timezone, thresholds }, windowStartMs: null, known: 0n, need: nano, want: nano }]);
    if (acquired.kind !== "granted") throw new Error("nothing was granted");
    const windowStartMs = acquired.grants[0]?.windowStartMs ?? 0;
    await stand.ledger.report("h", [{ key: KEY, windowStartMs, used: nano, estimated: 0n, returned: 0n, isOver: true }]);
  };
  const budget = async (...args: string[]): Promise<Said> => weir(["budget", ...args, ...way, join(folder, "kim.token")]);
  const shown = async () => (JSON.parse((await budget("show", "daily", "-o", "json")).out) as { budgets: { counts: Record<string, unknown>[] }[] }).budgets[0]?.counts[0];

  test("lists budgets with what is spent, to the nano-dollar, also by its short name alone", async () => {
    const { code, out } = await budget();
    expect(code).toBe(EXIT.ok);
    expect(out).toMatch(/^BUDGET +METER +WINDOW .*\nteam\.daily +usd +total +\$2\.000000002 +\$1\.000000001 +\$0\.00 +\$1\.000000001 +50 +never +all$/);
    expect((await budget("daily")).out).toContain("Budget: team.daily");
    expect(await shown()).toMatchObject({ limit: "2000000002", spent: "1000000001", waitsAtPercent: 50 });
  });

  test("lets a person approve, add, set and reset, and says why and how it stands then", async () => {
    expect(await budget("approve", "daily", "--why", "release")).toMatchObject({ code: EXIT.ok });
    expect(await shown()).toMatchObject({ waitsAtPercent: null });
    expect((await budget("topup", "daily", "0.5", "--why", "release")).out).toMatch(/all +usd +total +\$2\.500000002/);
    expect((await budget("set", "team.daily", "10", "--why", "agreed")).out).toContain("the configured limit is $2.000000002");
    expect((await budget("set", "daily", "configured", "--why", "back")).out).not.toContain("configured limit");
    expect(await budget("reset", "daily", "--why", "new month")).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("--yes") as string });
    expect((await budget("reset", "daily", "--yes", "--why", "new month")).out).toMatch(/\$2\.500000002 +\$0\.00 +\$0\.00/);
    expect(await shown()).toMatchObject({ spent: "0" });
  });

  test("is refused to whoever may not, and a name that there is not says what is near", async () => {
    expect(await weir(["budget", ...way, join(folder, "eve.token")])).toMatchObject({ code: EXIT.failure, out: "" });
    expect(await budget("show", "dayly")).toMatchObject({ code: EXIT.failure, err: expect.stringMatching(/no budget team\.dayly on namespace team[^]*Did you mean team\.daily\?/) as string });
    expect(await budget("topup", "daily", "1,5", "--why", "x")).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("Write dollars") as string });
    expect(await budget("topup", "daily", "1")).toMatchObject({ code: EXIT.usage, err: expect.stringContaining("--why") as string });
  });
});

describe("weir budget, of this machine, by the ledger that its proxies share", () => {
  let scene: BudgetStand;
  let config: string;
  beforeAll(async () => {
    const named = { cap: { meter: "usd", limit: "1", window: "total", applies: "always" }, idle: { meter: "requests", limit: 9, window: "day" } };
    scene = await startBudgetStand({ budgets: { ledger: { type: "embedded" }, named } });
    config = join(scene.stand.directory, "weir.yaml");
    writeFileSync(config, JSON.stringify({ stateDirectory: join(scene.stand.directory, "state"), logLevel: "silent", budgets: { named } }));
    await scene.post(aRequest("anthropic-messages"));
    await scene.settled();
  });
  afterAll(async () => scene?.stop());
  const budget = async (...args: string[]): Promise<Said> => weir(["budget", ...args, "-c", config]);
  const count = async () => (JSON.parse((await budget("show", "cap", "-o", "json")).out) as { budgets: { counts: Record<string, string>[] }[] }).budgets[0]?.counts[0];

  test("shows what a running proxy has spent, to the nano-dollar, and what nobody has used", async () => {
    await expect.poll(async () => (await count())?.["spent"], { timeout: 10_000 }).toBe(scene.uses()[0]?.charged?.nanoUsd);
    expect((await budget()).out).toMatch(/\nidle +requests +day +9 +0 +0 +9 +0 +- +-$/);
  });

  test("stops and lets go on at once, without a restart, and puts it on record", async () => {
    const spent = BigInt((await count())?.["spent"] ?? 0);
    expect(await budget("set", "cap", "0.000001", "--why", "stop")).toMatchObject({ code: EXIT.ok });
    await expect.poll(async () => (await scene.post(aRequest("anthropic-messages"))).status, { timeout: 10_000, interval: 200 }).not.toBe(200);
    expect(await budget("topup", "cap", "1", "--why", "go on")).toMatchObject({ code: EXIT.ok });
    await expect.poll(async () => (await scene.post(aRequest("anthropic-messages"))).status, { timeout: 10_000, interval: 200 }).toBe(200);
    expect(BigInt((await count())?.["spent"] ?? 0)).toBeGreaterThanOrEqual(spent);
    const events: Record<string, unknown>[] = [];
    for await (const { record } of tailAudit(join(scene.stand.directory, "state", "audit", "operator"), { limit: 50 })) {
      if (record.kind === "lifecycle" && record.event === "budget.adjusted") events.push(record.fields);
    }
    expect(events).toMatchObject([{ kind: "set", why: "stop", amount: "1000", before: expect.stringContaining("limit 1000000000") as string }, { kind: "topup", why: "go on" }]);
  });

  test("of a ledger that nobody else can read says so", async () => {
    const memory = join(scene.stand.directory, "memory.yaml");
    writeFileSync(memory, JSON.stringify({ stateDirectory: join(scene.stand.directory, "state"), budgets: { ledger: { type: "memory" } } }));
    expect(await weir(["budget", "-c", memory])).toMatchObject({ code: EXIT.unavailable, err: expect.stringContaining("keeps no counts that can be read") as string });
  });
});
