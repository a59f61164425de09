import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand } from "../../../support/budget-stand.ts";
import { PLAN_HEADER } from "../../../support/model-provider/answer-plan.ts";
import type { RequestFormName } from "../../../support/model-provider/requests.ts";
import { exchangesOf } from "../../../support/whole-proxy.ts";

let scene: BudgetStand;
afterEach(async () => { await scene.stop(); });

const start = async (llm: object, budgets: Record<string, unknown> = aUsdBudget("1")) => {
  scene = await startBudgetStand({ budgets, entry: { methods: ["POST"], websocket: false, llm } });
  scene.provider.isForgiving = true;
};
const modelOf = (name: RequestFormName) => String(aRequest(name).body["model"]);
const arrivals = () => scene.provider.tally.arrivals.length;
const last = () => exchangesOf(scene.stand.records, "closed").at(-1)!;

describe("a request to a model that policy reads", { timeout: 20_000 }, () => {
  test.each(["openai-chat", "openai-responses", "anthropic-messages"] as const)("%s passes by its model, is charged as without the reading, and leaves as it came", async (name) => {
    await start({ models: [modelOf(name)] });
    const answer = await scene.post(aRequest(name), { output: 40 });
    await scene.settled();
    expect(answer.status).toBe(200);
    const charged = scene.uses().reduce((sum, use) => sum + BigInt(use.charged?.nanoUsd ?? "0"), 0n);
    expect([0n, 1n]).toContain(charged - scene.provider.tally.nanoUsd);
    expect(scene.provider.tally.nanoUsd).toBeGreaterThan(0n);
  });

  test.each([
    ["openai-chat", { error: { type: "permission_error", code: "policy_denied", rule: expect.any(String) as string, message: expect.stringContaining("policy.denied") as string } }],
    ["anthropic-messages", { type: "error", error: { type: "permission_error", rule: expect.any(String) as string } }],
  ] as const)("%s is refused by another model, in the provider's own words", async (name, said) => {
    await start({ models: ["another-model"] });
    const answer = await scene.post(aRequest(name));
    expect([answer.status, arrivals()]).toEqual([403, 0]);
    expect(JSON.parse(answer.body)).toMatchObject(said);
    expect(last()).toMatchObject({ outcome: "denied", error: { code: "policy.denied" } });
    expect(scene.uses()).toEqual([]);
  });

  test("is refused with a tool that may not be offered, those of the provider included", async () => {
    await start({ tools: ["read_*"] }, {});
    const tool = (name: string) => ({ type: "function", function: { name, parameters: {} } });
    const ask = async (change: object) => (await scene.post(aRequest("openai-chat"), {}, change)).status;
    expect(await ask({ tools: [tool("read_file")] })).toBe(200);
    expect(await ask({ tools: [tool("read_file"), tool("shell")] })).toBe(403);
    expect(await ask({ web_search_options: {} })).toBe(403);
    expect(await ask({})).toBe(200);
  });

  test("passes or not by whether it streams, and a compressed body is read like another", async () => {
    await start({ stream: true }, {});
    expect((await scene.post(aRequest("openai-chat", true), { output: 5 })).status).toBe(200);
    expect((await scene.post(aRequest("openai-chat"), { output: 5 })).status).toBe(403);
    const form = aRequest("openai-chat", true);
    const headers = { "content-type": "application/json", "content-encoding": "gzip", [PLAN_HEADER]: JSON.stringify({ output: 5 }), ...form.headers };
    expect((await scene.stand.ask("POST", `https://${form.host}${form.path}`, { headers, body: gzipSync(JSON.stringify(form.body)) })).status).toBe(200);
  });

  test("that names several models is asked about each: OpenRouter may take any", async () => {
    const name = "openrouter-chat";
    await start({ models: [modelOf(name)] }, {});
    expect((await scene.post(aRequest(name), { output: 5 })).status).toBe(200);
    expect((await scene.post(aRequest(name), {}, { models: [modelOf(name), "x/forbidden"] })).status).toBe(403);
  });

  test("that nobody understands is refused, and so is what is no call", async () => {
    await start({}, {});
    const form = aRequest("openai-chat");
    const ask = async (path: string, body: string) => (await scene.stand.ask("POST", `https://${form.host}${path}`, { headers: { "content-type": "application/json" }, body })).status;
    expect(await ask(form.path, `{"model":"a","model":"b"}`)).toBe(403);
    expect(await ask("/v1/files", "{}")).toBe(403);
    expect(arrivals()).toBe(0);
  });
});
