import { afterEach, describe, expect, test } from "vitest";
import { formatUsd } from "../../common/money.ts";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand, type BudgetStandOptions } from "../support/budget-stand.ts";
import { eventually } from "../support/whole-proxy.ts";

const AMPLE = "1";
const scenes: BudgetStand[] = [];

afterEach(async () => { for (const scene of scenes.splice(0)) await scene.stop(); });

async function aScene(usd: string, more: Partial<BudgetStandOptions> = {}): Promise<BudgetStand> {
  const scene = await startBudgetStand({ budgets: aUsdBudget(usd), ...more });
  scenes.push(scene);
  return scene;
}

/** What an ordinary request holds, in nano-dollars. */
async function heldByOne(): Promise<bigint> {
  const scene = await aScene(AMPLE);
  await scene.post(aRequest("openai-chat"));
  await scene.settled();
  return BigInt(scene.uses()[0]?.heldNanoUsd ?? "0");
}

function chargedNano(scene: BudgetStand): bigint {
  return scene.uses().reduce((sum, { charged }) => sum + BigInt(charged?.nanoUsd ?? "0"), 0n);
}

describe("many requests at once", () => {
  test("of a tenth of the cap each: exactly ten are sent, the others are refused", async () => {
    const held = await heldByOne();
    const scene = await aScene(formatUsd(held * 10n));
    let refused = 0;
    const asked = 200;
    for (let index = 0; index < asked; index += 1) {
      // Nobody answers: what is held stays held until all have asked.
      void scene.post(aRequest("openai-chat"), { fault: { kind: "silence" } }).then(({ status }) => { if (status !== 200) refused += 1; }, () => undefined);
    }
    await eventually("all but ten are refused", () => refused === asked - 10, 30_000);
    expect(scene.provider.tally.arrivals).toHaveLength(10);
  });

  test("that are answered never pay more than the cap together", async () => {
    const held = await heldByOne();
    const scene = await aScene(formatUsd(held * 3n));
    const answers = await Promise.all(Array.from({ length: 60 }, async (_, index) => scene.post(aRequest("openai-chat", index % 2 === 0), { output: 500 })));
    await scene.settled();
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect(scene.provider.tally.nanoUsd).toBeLessThanOrEqual(held * 3n);
    expect(chargedNano(scene)).toBe(scene.provider.tally.nanoUsd);
  });
});

describe("a provider that does not tell the truth", () => {
  const USAGES = [
    "null", "{}", "[]", '"12"', "-1", '{"prompt_tokens":-5,"completion_tokens":-5}', '{"prompt_tokens":"9","completion_tokens":"9"}', '{"prompt_tokens":1e309,"completion_tokens":1e309}',
    '{"prompt_tokens":null,"completion_tokens":null}', '{"prompt_tokens":0,"completion_tokens":0}',
    '{"prompt_tokens":1.5,"completion_tokens":2.5}', '{"usage":{"prompt_tokens":1,"completion_tokens":1}}',
    '{"prompt_tokens":1,"prompt_tokens":1,"completion_tokens":1}', '{"prompt_tokens":5,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":99}}',
  ];

  test.each([false, true])("of its usage in any form (stream %s): what was written is charged, and never more than was held", async (isStream) => {
    const scene = await aScene(AMPLE);
    for (const rawUsage of USAGES) {
      await scene.post(aRequest("openai-chat", isStream), { output: 40, rawUsage });
      await scene.settled();
      const use = scene.uses().at(-1);
      const [charged, paid] = [BigInt(use?.charged?.nanoUsd ?? "0"), scene.provider.tally.calls.at(-1)?.nanoUsd ?? 0n];
      // Of output it saw every word; what went in is an estimate where nobody says it.
      expect(charged * 100n, rawUsage).toBeGreaterThanOrEqual(paid * 80n);
      expect(charged, rawUsage).toBeLessThanOrEqual(BigInt(use?.heldNanoUsd ?? "0"));
      expect(use?.charged?.alarms, rawUsage).not.toEqual([]);
    }
  });

  test("and reports a million millions is charged what its model can write at most, with an alarm", async () => {
    const scene = await aScene("100");
    await scene.post(aRequest("openai-chat"), { lies: { completion_tokens: 1e12, total_tokens: 1e12 } });
    await scene.settled();
    const [use] = scene.uses();
    expect(use?.charged?.alarms).toContain("over-reported");
    expect(use?.charged?.tokens.output).toBe(131_072);
    expect(BigInt(use?.charged?.nanoUsd ?? "0")).toBeLessThan(100_000_000_000n);
    expect((await scene.post(aRequest("openai-chat"))).status).toBe(200);
  });

  test.each([400, 404, 429, 500, 503, 529])("an error %i before any token gives all back, once", async (status) => {
    const held = await heldByOne();
    const scene = await aScene(formatUsd(held));
    for (let times = 0; times < 3; times += 1) {
      expect((await scene.post(aRequest("openai-chat"), { fault: { kind: "status", status } })).status).toBe(status);
      await scene.settled();
    }
    expect(chargedNano(scene)).toBe(0n);
    expect((await scene.post(aRequest("openai-chat"))).status, "the whole cap is there again").toBe(200);
    expect((await scene.post(aRequest("openai-chat"))).status, "and not more").toBe(429);
  });
});

describe("a request whose cost is hidden", () => {
  test.each([
    ["a model that nobody knows", { model: "no-such-model-1" }], ["a number that is none", { max_completion_tokens: 1e300 }], ["a search that costs by itself", { web_search_options: {} }],
  ])("%s is refused, and never arrives", async (_name, change) => {
    const scene = await aScene(AMPLE);
    expect((await scene.post(aRequest("openai-chat"), {}, change)).status).toBeGreaterThanOrEqual(400);
    expect(scene.provider.tally.calls).toEqual([]);
  });

  test.each([
    ["a hundred choices", { n: 100 }], ["a limit of a thousand millions", { max_completion_tokens: 1e9 }], ["no limit", { max_completion_tokens: undefined }],
  ])("%s holds what they may come to", async (_name, change) => {
    const held = await heldByOne();
    const scene = await aScene(formatUsd(held));
    expect((await scene.post(aRequest("openai-chat"), { output: 5_000 }, change)).status).toBe(429);
    expect(scene.provider.tally.calls).toEqual([]);
    expect((await scene.post(aRequest("openai-chat"))).status, "an ordinary one still fits").toBe(200);
  });
});

test("an agent that leaves its streams early pays for what is written unheard", async () => {
  const scene = await aScene(AMPLE);
  for (let times = 0; times < 5; times += 1) {
    const socket = await scene.stand.open("api.openai.com");
    const { host, path, headers, body } = aRequest("openai-chat", true, 2_000);
    const text = JSON.stringify(body);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines}`;
    socket.on("error", () => undefined).write(`${head}X-Answer-Plan: {"output":2000}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    await eventually("it was asked", () => scene.provider.tally.calls.length === times + 1);
    socket.destroy();
    await scene.settled();
  }
  expect(chargedNano(scene)).toBeGreaterThanOrEqual(scene.provider.tally.nanoUsd);
});
