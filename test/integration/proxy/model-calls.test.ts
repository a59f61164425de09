import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { afterEach, describe, expect, test } from "vitest";
import { aRequest, aUsdBudget, startBudgetStand, type BudgetStand } from "../../support/budget-stand.ts";
import { answerPlan, PLAN_HEADER, type AnswerPlan } from "../../support/model-provider/answer-plan.ts";
import type { AskedForm } from "../../support/model-provider/requests.ts";
import { eventually, exchangesOf } from "../../support/whole-proxy.ts";

let scene: BudgetStand;
const start = async (budgets: Record<string, unknown>, more: Partial<Parameters<typeof startBudgetStand>[0]> = {}) => { scene = await startBudgetStand({ budgets, ...more }); };
afterEach(async () => { await scene.stop(); });

const closed = () => exchangesOf(scene.stand.records, "closed");
const last = () => closed().at(-1)!;
const charged = () => scene.uses().reduce((sum, use) => sum + BigInt(use.charged?.nanoUsd ?? "0"), 0n);
/** The same request without a limit of output. */
const unlimited = ({ limitAt: [field = ""], ...form }: AskedForm): AskedForm => ({ ...form, limitAt: [], body: Object.fromEntries(Object.entries(form.body).filter(([name]) => name !== field)) });

/** A request whose answer the test reads as it comes. */
async function begin(form: AskedForm, plan: Partial<AnswerPlan>): Promise<IncomingMessage> {
  const headers = { host: form.host, "content-type": "application/json", ...form.headers, [PLAN_HEADER]: JSON.stringify(answerPlan.partial().parse(plan)) };
  const socket = await scene.stand.open(form.host);
  const sent = request({ createConnection: () => socket, method: "POST", path: form.path, headers });
  sent.on("error", () => {});
  sent.end(JSON.stringify(form.body));
  const [answer] = await once(sent, "response") as [IncomingMessage];
  answer.on("error", () => {});
  return answer;
}

describe("a call of a model through the whole proxy", () => {
  test.each([
    ["at once", "anthropic-messages", false, "identity"], ["at once, compressed", "openai-chat", false, "gzip"],
    ["as events", "anthropic-messages", true, "identity"], ["as events, compressed", "openai-responses", true, "gzip"],
    ["as events without usage, which is asked for and kept to ourselves", "openai-chat without usage", true, "identity"],
  ] as const)("answered %s is charged what the provider counts, to the nano-dollar", async (_how, name, isStream, coding) => {
    await start(aUsdBudget("1"));
    const answer = await scene.post(aRequest(name, isStream), { output: 40, coding });
    await scene.settled();
    expect([answer.status, answer.headers["content-encoding"]]).toEqual([200, undefined]);
    // Fractions of a nano-dollar are charged as a whole one.
    expect([0n, 1n]).toContain(charged() - scene.provider.tally.nanoUsd);
    expect(last()).toMatchObject({ outcome: "allowed", modelUse: { charged: { estimated: false } } });
    expect(answer.body).not.toContain('"choices":[]');
  });

  test("works over HTTP/2 as well", async () => {
    await start(aUsdBudget("1"));
    const form = aRequest("anthropic-messages", true);
    const socket = await scene.stand.open(form.host, ["h2"]);
    const session = connectHttp2(`https://${form.host}`, { createConnection: () => socket });
    const stream = session.request({ ":method": "POST", ":path": form.path, "content-type": "application/json", ...form.headers });
    stream.end(JSON.stringify(form.body));
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    session.destroy();
    await scene.settled();
    expect(Buffer.concat(chunks).toString()).toContain("message_stop");
    expect(scene.provider.tally.nanoUsd).toBeGreaterThan(0n);
    expect([0n, 1n]).toContain(charged() - scene.provider.tally.nanoUsd);
  });

  test("is limited to what is left, as the provider sees it, and never comes to more", async () => {
    await start(aUsdBudget("0.005"), { entry: { when_short: "clamp" } });
    const answer = await scene.post(aRequest("anthropic-messages"), { output: 5_000 }, { max_tokens: 5_000 });
    await scene.settled();
    const [call] = scene.provider.tally.calls;
    expect([answer.status, call?.ending, last().modelUse?.clampedTo]).toEqual([200, "length", call?.limit]);
    expect(scene.provider.tally.nanoUsd).toBeLessThanOrEqual(5_000_000n);
    expect([0n, 1n]).toContain(charged() - scene.provider.tally.nanoUsd);
  });

  test("is limited by policy without any budget", async () => {
    await start({}, { entry: { max_output_tokens: 20 } });
    await scene.post(aRequest("openai-responses"), { output: 50 });
    expect(scene.provider.tally.calls.map(({ limit }) => limit)).toEqual([20]);
  });

  test("that fits no more is refused in the provider's own words, and nothing leaves", async () => {
    await start(aUsdBudget("0.000001"));
    const answer = await scene.post(aRequest("openai-chat"));
    expect([answer.headers["x-should-retry"], answer.headers["x-weir-decision"], answer.headers["retry-after"]]).toEqual(["false", "denied", undefined]);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { message: expect.stringMatching(/cap.*\$0\.000001/) } });
    expect([scene.provider.tally.arrivals, last().error?.code]).toEqual([[], "budget.exhausted"]);
  });

  test("of a model without a price is counted where tokens count, and refused where dollars do", async () => {
    const ask = async (meter: string, limit: number) => {
      await start({ named: { cap: { meter, limit, window: "total", applies: "always" } } });
      const form = aRequest("anthropic-messages");
      const answer = await scene.post(form, { output: 40, answers: String(form.body["model"]) }, { model: "claude-of-tomorrow" });
      await scene.settled();
      return [answer.status, scene.provider.tally.arrivals.length, last().modelUse?.charged?.tokens.output];
    };
    expect(await ask("tokens", 10_000)).toEqual([200, 1, 40]);
    await scene.stop();
    expect(await ask("usd", 10_000)).toEqual([402, 0, undefined]);
  });

  test("that the provider fails costs nothing", async () => {
    await start(aUsdBudget("1"));
    const answer = await scene.post(aRequest("anthropic-messages"), { fault: { kind: "status", status: 500 } });
    await scene.settled();
    expect([answer.status, charged(), last().modelUse?.charged?.nanoUsd ?? "0"]).toEqual([500, 0n, "0"]);
  });
});

describe("a stream", () => {
  test("without a limit ends at the edge of the budget in its API's own way, and the record says why", async () => {
    await start(aUsdBudget("0.005"), { entry: { when_short: "refuse" }, config: { metering: { stepTokens: 64 } } });
    const form = unlimited(aRequest("openai-chat", true));
    const answer = await begin(form, { output: 500_000, chunkEveryMs: 1, chunkTokens: 20 });
    let text = "";
    for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString();
    await scene.settled();
    expect([answer.statusCode, answer.complete, text.includes('"finish_reason":"length"'), text.trimEnd().endsWith("data: [DONE]")]).toEqual([200, true, true, true]);
    expect(last()).toMatchObject({ outcome: "denied", status: 200, error: { code: "budget.exhausted", rule: "budget.cap" }, modelUse: { charged: { estimated: true } } });
    await eventually("the provider sees that nobody listens", () => scene.provider.tally.calls[0]?.ending === "left");
    expect(charged()).toBeLessThanOrEqual(5_000_000n);
  }, 30_000);

  test("that the agent leaves is ended at the provider, and charged as an estimate of no less than was generated", async () => {
    await start(aUsdBudget("1"));
    const answer = await begin(aRequest("anthropic-messages", true), { output: 2_000, chunkEveryMs: 5 });
    await once(answer, "data");
    answer.destroy();
    await eventually("the exchange is over", () => closed().length === 1);
    await eventually("the provider sees that nobody listens", () => scene.provider.tally.calls[0]?.ending !== "open");
    expect(last()).toMatchObject({ error: { code: "relay.aborted" }, modelUse: { charged: { estimated: true } } });
    expect(charged()).toBeGreaterThan(0n);
  });

  test("that lasts longer than its time is ended", async () => {
    await start({ named: { time: { meter: "seconds", limit: 2, window: "total", applies: "always" } } });
    const answer = await begin(aRequest("anthropic-messages", true), { output: 100, chunkTokens: 1, chunkEveryMs: 200 });
    let text = "";
    for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString();
    await scene.settled();
    expect([text.includes('"stop_reason":"max_tokens"'), text.includes("message_stop"), last().error?.code]).toEqual([true, true, "budget.exhausted"]);
  }, 15_000);
});

describe("a WebSocket to a model", () => {
  const upgrade = async () => {
    const socket = await scene.stand.open("api.openai.com");
    const sent = request({ createConnection: () => socket, path: "/v1/responses", headers: { host: "api.openai.com", authorization: "Bearer dummy", connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" } });
    sent.on("error", () => {}).end();
    const status = await Promise.race([once(sent, "response").then(([answer]) => (answer as IncomingMessage).statusCode), once(sent, "upgrade").then(([answer]) => (answer as IncomingMessage).statusCode)]);
    sent.destroy();
    socket.destroy();
    return status;
  };

  test("is refused under a budget of money, with the status after which clients go on over HTTP", async () => {
    await start(aUsdBudget("1"));
    expect([await upgrade(), scene.provider.tally.arrivals]).toEqual([426, []]);
    expect(last().error?.code).toBe("budget.upgrade");
  });

  test("passes where no budget counts models, and is on record as not counted", async () => {
    await start({ named: { all: { meter: "requests", limit: 9, window: "total", applies: "always" } } });
    expect(await upgrade()).toBe(101);
    await eventually("it is over", () => closed().length === 1);
    expect(last()).toMatchObject({ isUnmetered: true });
  });
});
