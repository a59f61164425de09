import { request } from "node:http";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand } from "../support/budget-stand.ts";
import { PLAN_HEADER } from "../support/model-provider/answer-plan.ts";
import { eventually, exchangesOf } from "../support/whole-proxy.ts";

const FORM = aRequest("openai-chat");
const BODY = JSON.stringify(FORM.body);

/** One instance may take a quarter. */
const HELD_BYTES = 8_000_000;

let scene: BudgetStand;

beforeAll(async () => {
  scene = await startBudgetStand({ budgets: aUsdBudget("50"), config: { exchange: { heldBytes: HELD_BYTES } } });
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

describe("a coded body that is small until it is unpacked", () => {
  const padded = (bytes: number) => gzipSync(BODY.padEnd(bytes, " "));
  const coded = (plan: object = {}) => ({ "content-encoding": "gzip", [PLAN_HEADER]: JSON.stringify(plan) });

  test("out of all proportion is refused, in words, and takes no room for itself", async () => {
    for (let time = 0; time < 3; time += 1) {
      const { status, body } = await ask(zstdCompressSync(BODY.padEnd(8_000_000, " ")), { ...coded(), "content-encoding": "zstd" });
      expect([status, String(body)]).toEqual([413, expect.stringContaining("unpacks to more than 200 times its length")]);
    }
    expect(await ask(padded(1_200_000), coded())).toMatchObject({ status: 200 });
  });

  test("counts with all that is made of it, as long as its answer is awaited, and no longer", async () => {
    const decided = () => exchangesOf(scene.stand.records, "decided").length;
    const before = decided();
    const socket = await scene.stand.open(FORM.host);
    const open = request({ createConnection: () => socket, method: "POST", path: FORM.path, headers: { "host": FORM.host, "authorization": "Bearer dummy", "content-type": "application/json", ...coded({ fault: { kind: "silence" } }) } });
    open.on("error", () => undefined).end(padded(1_200_000));
    await eventually("the first is sent", () => decided() > before);
    const { status, body } = await ask(padded(1_200_000), coded());
    expect([status, String(body)]).toEqual([413, expect.stringContaining("More bodies are being held back at the moment than there is room for")]);
    socket.destroy();
    await scene.settled();
    expect(await ask(padded(1_200_000), coded())).toMatchObject({ status: 200 });
  });
});
