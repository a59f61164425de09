import { describe, expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import type { McpReading } from "../../../../proxy/model/readings.ts";
import type { HeaderList } from "../../../../proxy/model/request.ts";
import { mcpConfig, type McpConfig } from "../../../../proxy/mcp/config.ts";
import type { McpAnswer, McpExchange, McpWatch } from "../../../../proxy/mcp/mcp.ts";
import { openMcp } from "../../../../proxy/mcp/open-mcp.ts";
import { mcpHead } from "../../../support/mcp/mcp-head.ts";

const JSON_TYPE: HeaderList = [["content-type", "application/json; charset=utf-8"]];
const EVENTS: HeaderList = [["content-type", "text/event-stream"]];

class Stand {
  readonly asked: McpReading[] = [];
  readonly allowed: ReadonlySet<string>;
  readonly told: string[] = [];
  held = 0;
  heldLimit = 1_000_000;
  readonly mcp;

  constructor(allowed: readonly string[], config: Partial<McpConfig> = {}) {
    this.allowed = new Set(allowed);
    this.mcp = openMcp(mcpConfig.parse(config));
  }

  watch(request: string | null, headers = JSON_TYPE, status = 200, requestHeaders: HeaderList = []): McpAnswer | null {
    const head = mcpHead(requestHeaders);
    return this.mcp.watch(head, request === null ? null : this.mcp.askedBy(head, Buffer.from(request)), { status, headers }, this.#through);
  }

  get #through(): McpWatch & McpExchange {
    return {
      instance: "i1", requestId: "c1-1", tell: (bytes) => { this.told.push(bytes.toString()); return true; },
      room: { take: (bytes) => { this.held += bytes; return this.held <= this.heldLimit; }, giveBack: (bytes) => { this.held -= bytes; } },
      ask: async (reading) => {
        this.asked.push(reading);
        const name = reading.tool ?? reading.prompt ?? reading.uri ?? reading.method ?? "";
        return this.allowed.has(name) ? "allow" : { kind: "deny", rule: "mcp", reason: `${name} is not allowed`, hint: "", revision: "r1" };
      },
    };
  }

  watchGet(requestHeaders: HeaderList, headers: HeaderList, status: number): McpAnswer | null {
    return this.mcp.watch({ ...mcpHead(requestHeaders), method: "GET" }, null, { status, headers }, this.#through);
  }

  /** What the agent gets of an answer, cut into single bytes. */
  async pass(request: string | null, answer: string, headers = JSON_TYPE, requestHeaders: HeaderList = []): Promise<{ readonly text: string; readonly answer: McpAnswer }> {
    const watched = this.watch(request, headers, 200, requestHeaders);
    if (watched === null) throw new Error("not watched");
    const out: Buffer[] = [];
    for (const byte of Buffer.from(answer)) out.push(await watched.push(Buffer.of(byte)));
    out.push(await watched.end());
    return { text: Buffer.concat(out).toString(), answer: watched };
  }
}

const list = (method: string, id = 1) => JSON.stringify({ jsonrpc: "2.0", id, method });
const answer = (result: object, id: unknown = 1) => JSON.stringify({ jsonrpc: "2.0", id, result });

describe("lists lose what would be denied", () => {
  test.each([
    ["tools/list", "tools", "name", { method: "tools/call", tool: "no" }],
    ["prompts/list", "prompts", "name", { method: "prompts/get", prompt: "no" }],
    ["resources/list", "resources", "uri", { method: "resources/read", uri: "no" }],
    ["resources/templates/list", "resourceTemplates", "uriTemplate", { method: "resources/read", uri: "no" }],
  ])("%s", async (method, member, key, asked) => {
    const stand = new Stand(["yes"]);
    const { text, answer: watched } = await stand.pass(list(method), answer({ [member]: [{ [key]: "yes", title: "Yes" }, { [key]: "no" }], nextCursor: "c2" }));
    expect(JSON.parse(text)).toEqual({ jsonrpc: "2.0", id: 1, result: { [member]: [{ [key]: "yes", title: "Yes" }], nextCursor: "c2" } });
    expect(watched.filtered).toEqual({ hidden: 1, withheld: [] });
    expect(stand.asked[1]).toMatchObject({ ...asked, direction: "to_server", arguments: null, is_listing: true });
  });

  test("in events as well, and what is in the stream of a session without its request", async () => {
    for (const request of [list("tools/list"), null]) {
      const { text } = await new Stand(["yes"]).pass(request, `id: 1\r\ndata: ${answer({ tools: [{ name: "yes" }, { name: "no" }] })}\r\n\r\n`, EVENTS);
      expect(text).toBe(`id: 1\ndata: ${answer({ tools: [{ name: "yes" }] })}\n\n`);
    }
  });

  test("a tool that no call could name is hidden unasked", async () => {
    const stand = new Stand(["yes", "no no"]);
    const { text } = await stand.pass(list("tools/list"), answer({ tools: [{ name: "no no" }] }));
    expect(JSON.parse(text)).toMatchObject({ result: { tools: [] } });
    expect(stand.asked).toEqual([]);
  });

  test("numbers and ids that no double holds stay what they were", async () => {
    const { text } = await new Stand(["yes"]).pass(list("tools/list"), `{"jsonrpc":"2.0","id":12345678901234567890,"result":{"tools":[{"name":"no"},{"name":"yes","max":1e400,"min":1.0}]}}`);
    expect(text).toBe(`{"jsonrpc":"2.0","id":12345678901234567890,"result":{"tools":[{"name":"yes","max":1e400,"min":1.0}]}}`);
  });

  test("one of a batch, while the others stay", async () => {
    const { text } = await new Stand([]).pass(`[${list("tools/list")},${list("ping", 2)}]`, `[${answer({ tools: [{ name: "no" }] })},${answer({}, 2)}]`);
    expect(text).toBe(`[${answer({ tools: [] })},${answer({}, 2)}]`);
  });

  test("whatever was asked, also where two requests have one id and the server answers the other", async () => {
    const text = answer({ content: [], tools: [{ name: "no" }, { name: "yes" }] });
    expect((await new Stand(["yes"]).pass(list("tools/call"), text)).text).toBe(answer({ content: [], tools: [{ name: "yes" }] }));
    expect((await new Stand(["yes"]).pass(`[${list("tools/list")},${list("ping")}]`, `[${text},${answer({})}]`)).text).not.toContain("no");
  });
});

describe("what cannot be read is never passed on", () => {
  test.each([
    ["no JSON", "{"], ["no JSON-RPC", `{"tools":[]}`], ["a name twice", `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"no"}]}}`],
    ["a list without the list", answer({})], ["a list that is none", answer({ tools: { a: 1 } })], ["an entry without a name", answer({ tools: [{ title: "x" }] })],
    ["a name that is none", answer({ tools: [{ name: ["yes"] }] })], ["more than is asked about", answer({ tools: Array.from({ length: 11 }, () => ({ name: "yes" })) })],
    ["neither result nor error", `{"jsonrpc":"2.0","id":1}`], ["a result that is none", `{"jsonrpc":"2.0","id":1,"result":[]}`],
    ["more than may be held", answer({ tools: [{ name: "yes", title: "x".repeat(2_000) }] })],
  ])("%s", async (_what, body) => {
    const stand = new Stand(["yes"], { listEntries: 10, answerBytes: 1_024, eventBytes: 1_024 });
    await expect(stand.pass(list("tools/list"), body)).rejects.toMatchObject({ code: "upstream.malformed" });
    await expect(stand.pass(list("tools/list"), `data: ${body}\n\n`, EVENTS)).rejects.toMatchObject({ code: "upstream.malformed" });
  });

  test("what there is no room for", async () => {
    const stand = new Stand([]);
    stand.heldLimit = 10;
    await expect(stand.pass(list("ping"), answer({}))).rejects.toThrow("no room");
  });
});

test("what is held is given back", async () => {
  const stand = new Stand([]);
  const { answer: watched } = await stand.pass(list("ping"), answer({}));
  expect(stand.held).toBeGreaterThan(0);
  watched.close();
  expect(stand.held).toBe(0);
});

test("what GET brings besides events to who did not ask for them is none of the protocol, unless a message was in its body", () => {
  const through = { instance: "i1", requestId: "c1-1", tell: () => true, room: { take: () => true, giveBack: () => {} }, ask: async () => "allow" as const };
  const watch = (headers: HeaderList, body: string | null) => openMcp().watch({ ...mcpHead(), method: "GET" }, body === null ? null : openMcp().askedBy(mcpHead(), Buffer.from(body)), { status: 200, headers }, through) !== null;
  expect([watch(JSON_TYPE, null), watch(JSON_TYPE, ""), watch(EVENTS, null), watch(JSON_TYPE, list("tools/list"))]).toEqual([false, false, true, true]);
});

test("errors, and what is said of messages that were accepted, pass unread", () => {
  const stand = new Stand([]);
  expect(stand.watch(list("ping"), JSON_TYPE, 404)).toBeNull();
  expect(stand.watch(list("ping"), JSON_TYPE, 202)).toBeNull();
  expect(stand.watch(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }), [["content-type", "text/html"]])).toBeNull();
});

test.each(["{}", "null", '{"status":"ok"}', '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":["secret"]}}'])("of an answer as JSON to who asked nothing, nothing passes: %s", async (body) => {
  for (const request of [{ jsonrpc: "2.0", method: "notifications/initialized" }, { jsonrpc: "2.0", id: 7, result: {} }]) {
    expect((await new Stand([]).pass(JSON.stringify(request), body)).text).toBe("");
  }
});

describe("an answer that comes neither as JSON nor as events", () => {
  const FORMS: readonly HeaderList[] = [
    [], [["content-type", "text/plain"]], [["content-type", "text/event-streamx"]], [["content-type", "application/json-seq"]], [...JSON_TYPE, ...EVENTS],
  ];

  test.each(FORMS.map((headers) => [JSON.stringify(headers), headers] as const))("to a request is refused, unless it is empty: %s", async (_, headers) => {
    await expect(new Stand(["yes"]).pass(list("tools/list"), "x", headers)).rejects.toMatchObject({ code: "upstream.malformed" });
    await expect(new Stand(["yes"]).pass(list("ping"), "x", headers)).rejects.toMatchObject({ code: "upstream.malformed" });
    expect((await new Stand(["yes"]).pass(list("ping"), "", headers)).text).toBe("");
  });

  test.each([...FORMS, JSON_TYPE].map((headers) => [JSON.stringify(headers), headers] as const))("to a GET for events is refused as well, whatever its status: %s", async (_, headers) => {
    for (const status of [200, 202, 206]) {
      const watched = new Stand([]).watchGet([["accept", "application/json, Text/Event-Stream"]], headers, status);
      await expect(watched?.push(Buffer.from("data: {}\n\n"))).rejects.toMatchObject({ code: "upstream.malformed" });
    }
  });
});

test("events of a GET are watched, whatever the status of success", async () => {
  for (const status of [200, 202]) {
    const watched = new Stand([]).watchGet([["accept", "text/event-stream"]], EVENTS, status);
    const said = await watched?.push(Buffer.from(`data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":["secret"]}}\n\n`));
    expect(said?.toString()).not.toContain("secret");
  }
});

describe("what a server asks of the agent", () => {
  const sampling = `data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":["secret"]}}\n\n`;

  test("does not reach it where policy denies it: its library answers what it does not know", async () => {
    const stand = new Stand([]);
    const { text, answer: watched } = await stand.pass(null, sampling, EVENTS);
    expect(text).toBe(`data: {"jsonrpc":"2.0","id":1,"method":"weir/withheld"}\n\n`);
    expect(watched.filtered).toEqual({ hidden: 0, withheld: ["sampling/createMessage"] });
    expect(stand.asked).toMatchObject([{ direction: "from_server", method: "sampling/createMessage", kind: "request" }]);
  });

  test("is withheld by an id that no double holds", async () => {
    const { text } = await new Stand([]).pass(null, `data: {"jsonrpc":"2.0","id":12345678901234567890,"method":"roots/list"}\n\ndata: {"jsonrpc":"2.0","id":"r-1","method":"roots/list"}\n\n`, EVENTS);
    expect(text).toBe(`data: {"jsonrpc":"2.0","id":12345678901234567890,"method":"weir/withheld"}\n\ndata: {"jsonrpc":"2.0","id":"r-1","method":"weir/withheld"}\n\n`);
  });

  test("reaches it where policy allows it", async () => {
    expect((await new Stand(["sampling/createMessage"]).pass(null, sampling, EVENTS)).text).toBe(sampling);
  });

  test("what only notifies passes, and events of other types lose what they say", async () => {
    const notification = `data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n`;
    const { text } = await new Stand([]).pass(null, `${notification}id: 3\nevent: other\ndata: {"tools":[]}\n\nid: 4\ndata:\n\n`, EVENTS);
    expect(text).toBe(`${notification}id: 3\n\nid: 4\ndata: \n\n`);
  });

  test("in a result of the stateless era is refused with the request itself", async () => {
    const headers: HeaderList = [["mcp-protocol-version", "2026-07-28"]];
    const asks = answer({ resultType: "input_required", inputRequests: { a: { method: "elicitation/create", params: { message: "password?" } } }, requestState: "s" });
    const { text, answer: watched } = await new Stand([]).pass(list("tools/call"), asks, JSON_TYPE, headers);
    expect(JSON.parse(text)).toMatchObject({ id: 1, result: { resultType: "complete", isError: true, content: [{ text: expect.stringContaining("elicitation/create") as unknown }] } });
    expect(text).not.toContain("password");
    expect(watched.filtered.withheld).toEqual(["elicitation/create"]);
    expect((await new Stand(["elicitation/create"]).pass(list("tools/call"), asks, JSON_TYPE, headers)).text).toBe(asks);
    const other = await new Stand([]).pass(list("prompts/get"), asks, JSON_TYPE, headers);
    expect(JSON.parse(other.text)).toMatchObject({ id: 1, error: { code: -32003 } });
  });
});

test("a refusal travels in the stream that named the endpoint, until that is over", async () => {
  const stand = new Stand([]);
  const { text, answer: watched } = await stand.pass(null, "event: endpoint\ndata: /messages?sessionId=1\n\n", EVENTS);
  expect(text).toBe("event: endpoint\ndata: /messages?sessionId=1\n\n");
  const head = { ...mcpHead([], "/messages"), query: "sessionId=1" };
  const asked = { era: "session", isBatch: false, requests: [{ id: 1, method: "tools/call" }] } as const;
  const refuse = () => stand.mcp.refusal(head, asked, new EgressError("policy.denied", "no"), { instance: "i1", requestId: "c1-2" });
  expect(refuse()?.status).toBe(202);
  expect(stand.told).toEqual([expect.stringContaining(`"id":1`)]);
  watched.close();
  expect(refuse()?.status).toBe(200);
});
