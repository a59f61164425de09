import { describe, expect, test } from "vitest";
import type { McpReading } from "../../../../proxy/model/readings.ts";
import type { HeaderList } from "../../../../proxy/model/request.ts";
import { readRequest } from "../../../../proxy/mcp/read-request.ts";
import { mcpHead } from "../../../support/mcp/mcp-head.ts";

const STATELESS = "2026-07-28";

function read(body: unknown, headers: HeaderList = []): readonly McpReading[] | string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const result = readRequest(mcpHead(headers), Buffer.from(text));
  return result.kind === "read" ? result.readings : result.why;
}

const call = (params: unknown, more: object = {}) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params, ...more });
const stateless = (method: string, params: object) => ({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: { "io.modelcontextprotocol/protocolVersion": STATELESS } } });
const statelessHeaders = (method: string, name?: string, more: HeaderList = []): HeaderList =>
  [["mcp-protocol-version", STATELESS], ["mcp-method", method], ...(name === undefined ? [] : [["mcp-name", name] as const]), ...more];

test("a call is read with its tool and arguments", () => {
  expect(read(call({ name: "read_file", arguments: { path: "/workspace/a" } }))).toEqual([{
    era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "read_file", arguments: { path: "/workspace/a" }, prompt: null, uri: null, is_listing: false,
  }]);
});

describe("a resource is named in one way", () => {
  const asks = (uri: string) => () => read({ jsonrpc: "2.0", id: 2, method: "resources/read", params: { uri } });

  test.each([
    "file:///workspace/../etc/passwd", "file:///workspace/./a", "file:///workspace/..", "file:///workspace/%2e%2e/etc", "file:///workspace/.%2E/etc", "file:///workspace/..%2fetc/passwd",
    "file:///workspace%2F..%2Fetc", "file:///workspace/..\\etc", "file:///workspace/..%5cetc", "file:///workspace/%252e%252e/etc", "file:///workspace/..;a/etc", "file:///%65tc/passwd", "note://..", "file:///a/..?b", "file:///a/..#b",
  ])("%s is refused", (uri) => { expect(asks(uri)).toThrow(expect.objectContaining({ code: "request.malformed" })); });

  test.each([
    "file:///workspace/a.txt", "file:///workspace/.git/config", "file:///a/...", "file:///a..b/c", "note://1", "repo://o/n/contents/src%2Fmain.go", "x:ä%20b%7E", "file:///c%3A/a", "https://e.test/?a=../b",
  ])("%s is read", (uri) => { expect(asks(uri)()).toMatchObject([{ uri }]); });
});

test("prompts and resources are read with their names, notifications, responses and unknown methods as what they are", () => {
  expect(read({ jsonrpc: "2.0", id: "a", method: "prompts/get", params: { name: "review", arguments: { x: "1" } } })).toMatchObject([{ prompt: "review", arguments: { x: "1" } }]);
  expect(read({ jsonrpc: "2.0", id: 2, method: "resources/read", params: { uri: "file:///a" } })).toMatchObject([{ uri: "file:///a", tool: null, arguments: null }]);
  expect(read({ jsonrpc: "2.0", method: "notifications/initialized" })).toMatchObject([{ kind: "notification", method: "notifications/initialized" }]);
  expect(read({ jsonrpc: "2.0", id: 1, result: {} })).toMatchObject([{ kind: "response", method: null }]);
  expect(read({ jsonrpc: "2.0", id: 1, error: { code: -1, message: "no" } })).toMatchObject([{ kind: "response" }]);
  expect(read({ jsonrpc: "2.0", id: 1, method: "constructor", params: {} })).toMatchObject([{ kind: "request", method: "constructor" }]);
});

const from = (method: string) => ({ direction: "from_server", kind: "request", method });
const completing = (ref: object) => ({ jsonrpc: "2.0", id: 1, method: "completion/complete", params: { ref, argument: { name: "a", value: "" } } });
const listening = (notifications: object) => ({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: { notifications } });
const answering = (result: object) => ({ jsonrpc: "2.0", id: "e7", result });

test.each<[string, object, readonly object[]]>([
  ["the completion of a prompt is also about the prompt", completing({ type: "ref/prompt", name: "p" }), [{ method: "completion/complete" }, { method: "prompts/get", prompt: "p", is_listing: true }]],
  ["the completion of a resource is also about the resource", completing({ type: "ref/resource", uri: "file:///{a}" }), [{ method: "completion/complete" }, { method: "resources/read", uri: "file:///{a}", is_listing: true }]],
  ["a completion of both is about both", completing({ type: "ref/prompt", name: "p", uri: "u" }), [{}, { prompt: "p" }, { uri: "u" }]],
  ["to listen is also to subscribe", listening({ toolsListChanged: true, resourceSubscriptions: ["u", "v", "u"] }), [{ method: "subscriptions/listen" }, { method: "resources/subscribe", uri: "u" }, { method: "resources/subscribe", uri: "v" }]],
  ["to listen to lists is nothing else", listening({ toolsListChanged: true }), [{ method: "subscriptions/listen", uri: null }]],
  ["an answer to what a server asked is about what it asked for", answering({ action: "accept", content: {} }), [{ kind: "response", method: null }, from("elicitation/create")]],
  ["the words of a model answer for sampling", answering({ role: "assistant", model: "m", content: {} }), [{ kind: "response" }, from("sampling/createMessage")]],
  ["folders answer for roots", answering({ roots: [] }), [{ kind: "response" }, from("roots/list")]],
  ["an answer of two shapes is about both", answering({ roots: [], action: "accept" }), [{ kind: "response" }, from("roots/list"), from("elicitation/create")]],
  ["an answer that nobody knows is about something unknown", answering({ Action: "accept", content: {} }), [{ kind: "response" }, from("unknown")]],
  ["an answer that says nothing is about nothing", answering({ _meta: {} }), [{ kind: "response" }]],
  ["an answer to what was not asked yet is one too", call({ name: "a", inputResponses: { sure: { action: "accept" }, who: { action: "decline" } } }), [{ tool: "a" }, from("elicitation/create")]],
])("%s", (_what, message, readings) => {
  expect(read(message)).toEqual(readings.map((reading) => expect.objectContaining(reading) as unknown));
});

test.each([
  ["a completion of nothing", completing({ type: "ref/prompt" })], ["a completion of a number", completing({ type: "ref/prompt", name: 1 })],
  ["a completion in another case", completing({ type: "ref/prompt", name: "p", Uri: "u" })],
  ["a subscription to a number", listening({ resourceSubscriptions: [1] })], ["a subscription in another case", listening({ resourcesubscriptions: ["u"] })],
  ["more subscriptions than anybody has", listening({ resourceSubscriptions: Array.from({ length: 101 }, (_, at) => `u${at}`) })],
  ["a batch of many subscriptions", Array.from({ length: 3 }, (_, id) => ({ ...listening({ resourceSubscriptions: Array.from({ length: 70 }, (_u, at) => `u${at}`) }), id }))],
  ["answers that are a list", call({ name: "a", inputResponses: [] })], ["answers in another case", call({ name: "a", InputResponses: {} })],
])("%s is refused", (_what, message) => {
  expect(() => read(message)).toThrow(expect.objectContaining({ code: "request.malformed" }));
});

test("a batch is read message by message", () => {
  const readings = read([call({ name: "a" }), { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }]);
  expect(readings).toMatchObject([{ tool: "a", arguments: null }, { kind: "notification" }]);
});

test("numbers by which nothing is decided may be of any size, and ids of two kinds are two", () => {
  expect(read(`{"jsonrpc":"2.0","id":12345678901234567890123,"method":"tools/call","params":{"name":"a","arguments":{"n":9007199254740991,"x":0.1}}}`)).toMatchObject([{ arguments: { n: 9007199254740991, x: 0.1 } }]);
  expect(read(`[{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"},{"jsonrpc":"2.0","id":1,"result":{}}]`)).toHaveLength(2);
  expect(read(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}`)).toHaveLength(1);
  expect(read([{ jsonrpc: "2.0", id: 1, method: "ping" }, { jsonrpc: "2.0", id: "1", method: "ping" }])).toHaveLength(2);
});

test.each([["nothing", ""], ["no JSON", "{"], ["another object", { model: "x" }], ["JSON-RPC 1.0", { id: 1, method: "tools/call" }], ["an empty list", []], ["a text with a zero", "\u0000"]])(
  "%s is none of it", (_what, body) => {
    expect(read(body)).toBeTypeOf("string");
  });

test.each([
  ["a name twice", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"path":"/workspace","path":"/etc"}}}`],
  ["a name twice, once escaped", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"path":"/workspace","p\\u0061th":"/etc"}}}`],
  ["a name in two cases", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"path":"/workspace","Path":"/etc"}}}`],
  ["a name with a letter that folds", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"task":"x","tas\u212a":"y"}}}`],
  ["a method in another case", { jsonrpc: "2.0", id: 1, Method: "tools/call", params: { name: "a" } }],
  ["a tool's name in another case", call({ Name: "a" })],
  ["an unknown member", call({ name: "a" }, { session: 1 })],
  ["request and response at once", call({ name: "a" }, { result: {} })],
  ["no id at all", call({ name: "a" }, { id: null })],
  ["an id that is a list", call({ name: "a" }, { id: [1] })],
  ["an id that is a fraction", call({ name: "a" }, { id: 1.5 })],
  ["params that are a list", call(["a"])],
  ["no tool", call({})],
  ["a tool's name that is a list", call({ name: ["a"] })],
  ["a tool's name with a space", call({ name: "read file" })],
  ["arguments that are a list", call({ name: "a", arguments: ["/etc"] })],
  ["arguments that are a text", call({ name: "a", arguments: "{}" })],
  ["a uri that is none", { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri: 1 } }],
  ["a batch with something else in it", [call({ name: "a" }), 1]],
  ["a batch with another object in it", [call({ name: "a" }), { method: "tools/call" }]],
  ["a batch without end", Array.from({ length: 101 }, (_, at) => call({ name: "a" }, { id: at }))],
  ["a batch with two requests of one id", [call({ name: "a" }), { jsonrpc: "2.0", id: 1, method: "ping" }]],
  ["a batch with two ids that are one double", `[{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"},{"jsonrpc":"2.0","id":9007199254740992,"method":"ping"}]`],
  ["an argument that is rounded", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"chat":1234567890123456789}}}`],
  ["an argument called id that is rounded", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"id":1234567890123456789}}}`],
  ["an argument deep down that is rounded", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"a":[{"b":1e400}]}}}`],
  ["an argument of a prompt that is rounded", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a","arguments":{"b":1234567890123456789}}}`],
])("%s is refused, not guessed", (_what, body) => {
  expect(() => read(body)).toThrow(expect.objectContaining({ code: "request.malformed", explanation: expect.objectContaining({ rule: "mcp.malformed" }) as unknown }));
});

test("the stateless era is read where header and body name it", () => {
  expect(read(stateless("tools/call", { name: "a", arguments: {} }), statelessHeaders("tools/call", "a"))).toMatchObject([{ era: "stateless", tool: "a" }]);
  expect(read(stateless("tools/list", {}), statelessHeaders("tools/list"))).toMatchObject([{ era: "stateless", method: "tools/list" }]);
  expect(read({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } }, [["mcp-protocol-version", STATELESS]])).toMatchObject([{ era: "stateless", kind: "notification" }]);
  expect(read(call({ name: "a" }), [["mcp-protocol-version", "2025-11-25"]])).toMatchObject([{ era: "session" }]);
});

test("what headers repeat may be wrapped in base64", () => {
  const wrapped = `=?base64?${Buffer.from("file:///ä").toString("base64")}?=`;
  expect(read(stateless("resources/read", { uri: "file:///ä" }), statelessHeaders("resources/read", wrapped))).toMatchObject([{ uri: "file:///ä" }]);
  const params: HeaderList = [["mcp-param-region", "eu"], ["mcp-param-count", "42.0"], ["mcp-param-ok", "true"]];
  expect(read(stateless("tools/call", { name: "a", arguments: { where: { region: "eu" }, n: 42, ok: true } }), statelessHeaders("tools/call", "a", params))).toHaveLength(1);
});

const A = stateless("tools/call", { name: "a", arguments: { region: "eu" } });
test.each<[string, unknown, HeaderList]>([
  ["no version", A, [["mcp-method", "tools/call"], ["mcp-name", "a"]]],
  ["another version", A, [["mcp-protocol-version", "2025-11-25"], ["mcp-method", "tools/call"], ["mcp-name", "a"]]],
  ["no method", A, [["mcp-protocol-version", STATELESS], ["mcp-name", "a"]]],
  ["another method", A, statelessHeaders("tools/list", "a")],
  ["no name", A, statelessHeaders("tools/call")],
  ["another name", A, statelessHeaders("tools/call", "b")],
  ["a name twice", A, statelessHeaders("tools/call", "a", [["mcp-name", "a"]])],
  ["a name where there is none", stateless("tools/list", {}), statelessHeaders("tools/list", "a")],
  ["a sentinel around nothing", A, statelessHeaders("tools/call", "=?base64?@@?=")],
  ["a sentinel around no UTF-8", A, statelessHeaders("tools/call", "=?base64?/w==?=")],
  ["a parameter that no argument has", A, statelessHeaders("tools/call", "a", [["mcp-param-region", "us"]])],
  ["a parameter twice", A, statelessHeaders("tools/call", "a", [["mcp-param-region", "eu"], ["mcp-param-region", "eu"]])],
  ["headers of another call in the older era", call({ name: "a" }), [["mcp-name", "b"]]],
  ["a version that is no text", { jsonrpc: "2.0", id: 1, method: "ping", params: { _meta: { "io.modelcontextprotocol/protocolVersion": 1 } } }, statelessHeaders("ping")],
])("headers that do not agree with the body are refused: %s", (_what, body, headers) => {
  expect(() => read(body, headers)).toThrow(expect.objectContaining({ code: "request.malformed", explanation: expect.objectContaining({ rule: "mcp.headers" }) as unknown }));
});
