import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand } from "../support/budget-stand.ts";

const FORM = aRequest("openai-chat");
const BODY = JSON.stringify(FORM.body);

let scene: BudgetStand;

beforeAll(async () => {
  scene = await startBudgetStand({ budgets: aUsdBudget("5") });
  scene.provider.isForgiving = true;
});
afterAll(async () => { await scene.stop(); });

const ask = async (body: Buffer | string, headers: Readonly<Record<string, string>> = {}) =>
  scene.stand.ask("POST", `https://${FORM.host}${FORM.path}`, { body, headers: { "authorization": "Bearer dummy", "content-type": "application/json", ...headers } });

describe("a body of many small parts, of which each takes a hundred times its bytes", () => {
  const withParts = (unit: string, count: number) => BODY.replace("{", `{"x":[${unit.repeat(count)}0],`);
  test.each([["objects", "{},", 150_000], ["lists", "[],", 150_000], ["keys", `{"a":0},`, 75_000], ["values", "0,", 600_000]])("%s are refused, in words, and nothing is sent", async (_what, unit, count) => {
    const calls = scene.provider.tally.calls.length;
    const { status, body } = await ask(gzipSync(withParts(unit, count), { level: 1 }), { "content-encoding": "gzip" });
    expect([status, String(body)]).toEqual([429, expect.stringMatching(/its body has more than \d+ (?:objects, lists and keys|values)/)]);
    expect(scene.provider.tally.calls).toHaveLength(calls);
  });

  test("a long conversation passes", async () => {
    const messages = Array.from({ length: 2_000 }, () => ({ role: "user", content: [{ type: "text", text: "and on" }] }));
    expect(await ask(JSON.stringify({ ...FORM.body, messages }))).toMatchObject({ status: 200 });
  });
});
