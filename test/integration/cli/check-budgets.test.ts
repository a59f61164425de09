import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkBudgets } from "../../../cli/budget/check-budgets.ts";
import { weirConfig } from "../../../cli/config.ts";
import { EXIT } from "../../../common/exit-codes.ts";
import { silentLog } from "../../../common/log.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-doctor-")); });
afterEach(() => { rmSync(folder, { recursive: true }); });

const check = async (config: object) => checkBudgets(weirConfig.parse(config), folder, silentLog);
const named = { "team-a": { meter: "usd", limit: 5 } };

describe("doctor, of budgets", () => {
  test("says that there is none", async () => {
    expect(await check({})).toBe("none: nothing limits what agents use");
  });

  test("says where they are counted, after a look, and what a budget of money refuses", async () => {
    expect(await check({ budgets: { named } })).toBe("1, counted in the ledger embedded; models without a price are refused (metering.fallbackPrice)");
    const metering = { fallbackPrice: { inputPerMillion: 10, outputPerMillion: 30 } };
    expect(await check({ budgets: { named, perAgent: { requests: 3 } }, metering })).toBe("2, counted in the ledger embedded");
  }, 30_000);

  test("finds a budget that policy names and nobody configured, in the file of policy too", async () => {
    const hosts = [{ name: "api.example.com", budgets: ["taem-a"] }];
    await expect(check({ budgets: { named }, policy: { data: { hosts } } })).rejects.toMatchObject({ exitCode: EXIT.config, hint: "Did it mean team-a?" });
    mkdirSync(join(folder, "policy"));
    writeFileSync(join(folder, "policy", "data.yaml"), JSON.stringify({ hosts }));
    await expect(check({ budgets: { named }, policy: { directory: join(folder, "policy") } })).rejects.toThrow("taem-a, which is not configured");
  });

  test("finds a ledger that does not answer", async () => {
    writeFileSync(join(folder, "url"), "postgres://weir:x@127.0.0.1:1/weir?sslmode=disable", { mode: 0o600 });
    await expect(check({ budgets: { named, ledger: { type: "postgres", urlFile: join(folder, "url") } } })).rejects.toThrow("the ledger of budgets does not answer");
  }, 30_000);
});
