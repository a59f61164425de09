import { calcPrice } from "@pydantic/genai-prices";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerPlan, PAYERS_HEADER, PLAN_HEADER, type AnswerPlan } from "../../support/model-provider/answer-plan.ts";
import { MODEL_HOSTS, startModelProvider, type ModelProvider } from "../../support/model-provider/model-provider.ts";
import { REQUEST_FORMS, type AskedForm, type RequestFormName } from "../../support/model-provider/requests.ts";
import { mintAuthority } from "../../support/tls-authority.ts";

let provider: ModelProvider;
let caPem: string;

beforeAll(async () => {
  const authority = await mintAuthority();
  caPem = authority.caPem;
  provider = await startModelProvider(await authority.leaf(MODEL_HOSTS));
});

afterAll(async () => { await provider.close(); });

async function send({ host, path, headers, body }: AskedForm, plan: Partial<AnswerPlan> = {}, change: object = {}): Promise<{ readonly status: number; readonly text: string }> {
  const socket = connect({ host: "127.0.0.1", port: provider.port, servername: host, ca: caPem });
  const own = { host, "content-type": "application/json", [PLAN_HEADER]: JSON.stringify(plan), [PAYERS_HEADER]: "a,b" };
  const sent = request({ createConnection: () => socket, method: "POST", path, headers: { ...own, ...headers } });
  sent.end(JSON.stringify({ ...body, ...change }));
  const [answer] = await once(sent, "response") as [IncomingMessage];
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  } finally {
    socket.destroy();
  }
  return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString("latin1") };
}

function formOf(name: RequestFormName, isStream: boolean, limit = 50): AskedForm {
  const { model, form } = REQUEST_FORMS[name];
  return form({ model, prompt: "Count from one to ten, please.", isStream, limit });
}

const NAMES = Object.keys(REQUEST_FORMS) as RequestFormName[];

describe.each(NAMES.flatMap((name) => [[name, false], [name, true]] as const))("%s, stream %s", (name, isStream) => {
  test("the model says what it would, and its books say what that costs", async () => {
    const before = provider.tally.nanoUsdOf("a");
    const { status } = await send(formOf(name, isStream), { output: 12, reasoning: 3 });
    expect(status).toBe(200);
    const call = provider.tally.calls.at(-1);
    expect(call).toMatchObject({ generated: { output: 15, reasoning: 3 }, ending: "stop", isStream });
    expect(call?.generated.input).toBeGreaterThan(5);
    const [host, model] = [call?.host ?? "", call?.model ?? ""];
    const price = calcPrice({ input_tokens: call?.generated.input ?? 0, output_tokens: 15 }, model, { providerApiUrl: `https://${host}/` });
    expect(Number(call?.nanoUsd)).toBe(Math.ceil((price?.total_price ?? 0) * 1e9));
    expect(provider.tally.nanoUsdOf("a") - before).toBe(call?.nanoUsd);
  });

  test("it stops at the limit and says so", async () => {
    const { text } = await send(formOf(name, isStream, 20), { output: 1_000, chunkTokens: 7 });
    expect(provider.tally.calls.at(-1)).toMatchObject({ generated: { output: 20 }, limit: 20, ending: "length" });
    const inBase64 = [...text.matchAll(/"bytes":"([^"]+)"/g)].map(([, bytes]) => Buffer.from(bytes ?? "", "base64").toString());
    const plain = name === "bedrock-invoke" && isStream ? inBase64.join("") : text;
    expect(plain).toMatch(/"(length|max_tokens|MAX_TOKENS|max_output_tokens)"/);
  });

  test("a field that the provider does not know is refused, and costs nothing", async () => {
    if (name === "openrouter-chat") return;
    const [calls, paid] = [provider.tally.calls.length, provider.tally.nanoUsd];
    expect((await send(formOf(name, isStream), {}, { surprise: 1 })).status).toBe(name === "mistral-chat" ? 422 : 400);
    expect([provider.tally.calls.length, provider.tally.nanoUsd]).toEqual([calls, paid]);
  });
});

test.each([429, 500, 529])("a planned error %i costs nothing", async (status) => {
  const paid = provider.tally.nanoUsd;
  expect((await send(formOf("anthropic-messages", true), { fault: { kind: "status", status } })).status).toBe(status);
  expect(provider.tally.nanoUsd).toBe(paid);
});

test("an answer that is cut in the middle costs what was generated until then", async () => {
  await expect(send(formOf("openai-chat", true), { output: 40, fault: { kind: "drop", afterTokens: 20 } })).rejects.toThrow(/aborted|hang up|reset/);
  expect(provider.tally.calls.at(-1)).toMatchObject({ generated: { output: 20 }, ending: "dropped" });
});

test("what it tells of the usage may be a lie; its books are not", async () => {
  const { text } = await send(formOf("openai-chat", false), { output: 9, lies: { completion_tokens: 1_000_000 } });
  expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: 1_000_000 } });
  expect(provider.tally.calls.at(-1)?.generated.output).toBe(9);
  expect((await send(formOf("anthropic-messages", false), { rawUsage: '{"output_tokens":1e309}' })).text).toContain('"usage":{"output_tokens":1e309}');
  expect((await send(formOf("anthropic-messages", false), { isUsageMissing: true })).text).not.toContain("usage");
});

test("a reasoning model of OpenAI refuses max_tokens, and thinking must fit below the limit of Anthropic", async () => {
  const chat = formOf("openai-chat", false);
  expect((await send({ ...chat, body: { ...chat.body, model: "gpt-5-mini", max_completion_tokens: undefined, max_tokens: 10 } })).status).toBe(400);
  expect((await send(formOf("anthropic-messages", false, 1_000), {}, { thinking: { type: "enabled", budget_tokens: 1_024 } })).text).toContain("must be greater than");
});

test("what nobody can meter costs a dollar", async () => {
  const before = provider.tally.nanoUsd;
  expect((await send({ ...formOf("openai-chat", false), path: "/v1/batches" })).status).toBe(200);
  expect(provider.tally.nanoUsd - before).toBe(1_000_000_000n);
});

test("a plan has defaults", () => {
  expect(answerPlan.parse({})).toMatchObject({ output: 20, fault: null });
});
