import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import type { Ask, Decision } from "../../../../proxy/model/decision.ts";
import type { HeaderList } from "../../../../proxy/model/request.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { allow, deny, eventually } from "../../../support/exchange.ts";
import type { FakeAnswer, Request } from "../../../support/exchange-answer.ts";
import type { FakeFlow } from "../../../support/exchange-upstream.ts";
import { ModelExchange } from "../../../support/model-exchange.ts";

const JSON_TYPE: HeaderList = [["content-type", "application/json"]];
const EVENTS: HeaderList = [["content-type", "text/event-stream"]];
const TOOLS = `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"yes"},{"name":"no"}]}}`;
const SHOWN = `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"yes"}]}}`;

let stand: ModelExchange;
beforeEach(() => {
  stand = new ModelExchange();
  stand.fakes.answer = (input) => (input.read === undefined && input.request?.method === "POST" ? { kind: "read", rule: "mcp", readings: ["mcp"], maxBytes: 1_000, revision: "r1" } : decide(input));
});
afterEach(() => { stand.close(); });

function decide({ mcp }: PolicyInput): Decision {
  if (mcp === undefined) return allow({ obligations: { filter: "mcp" } });
  return mcp.tool === "no" || mcp.method === "sampling/createMessage" ? deny({ reason: `${mcp.tool ?? "it"} is not allowed` }) : allow();
}

function post(body: object): Request {
  const text = JSON.stringify(body);
  return { method: "POST", target: "/mcp", fields: [["content-length", String(text.length)], ["content-type", "application/json"]], body: Readable.from([Buffer.from(text)], { objectMode: false }) };
}
const list = () => post({ jsonrpc: "2.0", id: 1, method: "tools/list" });
const stream = (): Request => ({ method: "GET", target: "/mcp", fields: [["accept", "text/event-stream"]] });

function answering(script: (flow: FakeFlow) => void): void {
  stand.fakes.upstream.script = async (flow) => {
    await flow.drainBody();
    script(flow);
  };
}

const header = ({ headers }: FakeAnswer, name: string) => headers.find(([field]) => field === name)?.[1];

describe("the answer to a request that was read as MCP", () => {
  test("loses what policy denies, and says no length that it has not", async () => {
    answering((flow) => { flow.reply(200, [...JSON_TYPE, ["content-length", String(TOOLS.length)], ["etag", `"a"`]], TOOLS); });
    const answer = await stand.serve(list());
    expect([answer.status, answer.body.toString(), answer.isEnded]).toEqual([200, SHOWN, true]);
    expect([header(answer, "content-length"), header(answer, "etag")]).toEqual([undefined, `W/"a"`]);
    expect(stand.fakes.closed()[0]).toMatchObject({ outcome: "allowed", mcpFiltered: { hidden: 1, withheld: [] } });
    expect(stand.path.held.bytes).toBe(0);
  });

  test("is decoded first", async () => {
    answering((flow) => { flow.reply(200, [...JSON_TYPE, ["content-encoding", "gzip"]], gzipSync(TOOLS)); });
    const answer = await stand.serve(list());
    expect([answer.body.toString(), header(answer, "content-encoding")]).toEqual([SHOWN, undefined]);
  });

  test("passes event by event while it streams", async () => {
    const flows = Promise.withResolvers<FakeFlow>();
    answering((flow) => { flow.head(200, EVENTS); flow.data(`: alive\n\ndata: ${TOOLS.slice(0, 20)}`); flows.resolve(flow); });
    const { answer, done } = stand.begin(list());
    const flow = await flows.promise;
    await eventually(() => answer.body.toString() === ": alive\n\n");
    flow.data(`${TOOLS.slice(20)}\n\n`);
    await eventually(() => answer.body.toString().endsWith(`data: ${SHOWN}\n\n`));
    flow.end();
    await done;
    expect(answer.isEnded).toBe(true);
  });

  test("that cannot be read is a refusal that keeps the id, not a part of it", async () => {
    answering((flow) => { flow.reply(200, JSON_TYPE, TOOLS.slice(0, -3)); });
    const answer = await stand.serve(list());
    expect([answer.status, answer.json()]).toMatchObject([502, { id: 1, error: { code: -32603 } }]);
    expect([answer.body.toString().includes("yes"), stand.path.held.bytes]).toEqual([false, 0]);
  });

  test("is cut where policy gives no answer in the middle of a stream", async () => {
    let isBroken = false;
    const before = stand.fakes.answer;
    stand.fakes.answer = (input) => {
      if (isBroken) throw new EgressError("policy.unavailable", "no answer");
      return before(input);
    };
    answering((flow) => { flow.head(200, EVENTS); isBroken = true; flow.data(`data: ${TOOLS}\n\n`); });
    const answer = await stand.serve(list());
    expect([answer.body.toString(), answer.cutBy?.code]).toEqual(["", "policy.unavailable"]);
    expect(stand.fakes.closed()[0]).toMatchObject({ outcome: "failed", error: { code: "policy.unavailable" } });
  });

  test("waits where the agent reads slowly", async () => {
    const flows = Promise.withResolvers<FakeFlow>();
    answering((flow) => { flow.head(200, EVENTS); flows.resolve(flow); });
    const { answer, done } = stand.begin(list());
    const flow = await flows.promise;
    answer.isFull = true;
    const drained = flow.drained();
    expect(flow.data(": one\n\n")).toBe(false);
    await eventually(() => answer.body.byteLength > 0);
    answer.isFull = false;
    answer.listener?.onDrain();
    await drained;
    flow.end();
    await done;
  });

  test("goes on where nothing was handed over", async () => {
    const goesOn: boolean[] = [];
    answering((flow) => { flow.head(200, JSON_TYPE); goesOn.push(flow.data("")); flow.data(TOOLS); flow.end(); });
    const { body } = await stand.serve(list());
    expect([body.toString(), goesOn]).toEqual([SHOWN, [true]]);
  });

  test("that is more than may be held ends the exchange", async () => {
    answering((flow) => { flow.reply(200, JSON_TYPE, `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"x":"${"x".repeat(9_000)}"}}`); });
    const answer = await stand.serve(list());
    expect([answer.status, stand.path.held.bytes]).toEqual([502, 0]);
  });
});

describe("the stream of a session", () => {
  test("is filtered because the allow obliges to it", async () => {
    answering((flow) => { flow.reply(200, EVENTS, `data: ${TOOLS}\n\ndata: {"jsonrpc":"2.0","id":9,"method":"sampling/createMessage"}\n\n`); });
    const answer = await stand.serve(stream());
    expect(answer.body.toString()).toBe(`data: ${SHOWN}\n\ndata: {"jsonrpc":"2.0","id":9,"method":"weir/withheld"}\n\n`);
    expect(stand.fakes.closed()[0]).toMatchObject({ mcpFiltered: { hidden: 1, withheld: ["sampling/createMessage"] } });
  });

  test("passes as it is where policy does not speak of MCP", async () => {
    stand.fakes.answer = () => allow();
    answering((flow) => { flow.reply(200, EVENTS, `data: ${TOOLS}\r\n\r\n`); });
    expect((await stand.serve(stream())).body.toString()).toBe(`data: ${TOOLS}\r\n\r\n`);
  });
});

describe("what a person would have to allow", () => {
  const ask: Ask = { kind: "ask", rule: "ask", reason: "may it?", hint: "", timeoutMs: 1_000, scopes: ["once"], allow: allow(), revision: "r1" };

  test("is shown in lists, and asked of nobody in the middle of an answer", async () => {
    stand.fakes.answer = ({ mcp }) => (mcp === undefined ? allow({ obligations: { filter: "mcp" } }) : ask);
    answering((flow) => { flow.reply(200, EVENTS, `data: ${TOOLS}\n\ndata: {"jsonrpc":"2.0","id":9,"method":"sampling/createMessage"}\n\n`); });
    const { body } = await stand.serve(stream());
    expect([body.includes(TOOLS), body.includes("sampling")]).toEqual([true, false]);
  });
});
