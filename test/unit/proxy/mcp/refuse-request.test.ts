import { expect, test } from "vitest";
import { EgressError } from "../../../../proxy/errors.ts";
import { askedBy } from "../../../../proxy/mcp/asked.ts";
import { mcpConfig, type McpConfig } from "../../../../proxy/mcp/config.ts";
import { EndpointStreams } from "../../../../proxy/mcp/endpoint-streams.ts";
import { refuseRequest } from "../../../../proxy/mcp/refuse-request.ts";
import { mcpHead } from "../../../support/mcp/mcp-head.ts";

const DENIED = new EgressError("policy.denied", "no", { explanation: { rule: "mcp.tools", reason: "MCP tool rm is not allowed", hint: "ask for it" } });

interface Given {
  readonly accept?: string;
  readonly error?: EgressError;
  readonly config?: Partial<McpConfig>;
  readonly streams?: EndpointStreams;
}

function refuse(body: string, { accept = "application/json, text/event-stream", error = DENIED, config, streams = new EndpointStreams() }: Given = {}) {
  const context = { config: mcpConfig.parse(config ?? {}), streams, instance: "i1", requestId: "c1-1" };
  const head = mcpHead([["accept", accept]]);
  const asked = askedBy(head, Buffer.from(body));
  const refusal = asked === null ? null : refuseRequest(head, asked, error, context);
  return refusal === null ? null : { status: refusal.status, type: refusal.headers.find(([name]) => name === "content-type")?.[1], text: refusal.body.toString() };
}

const call = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"rm"}}`;

test("a refused call is a result that the model reads, with rule, reason, hint and the id of the request", () => {
  const refusal = refuse(call("7"));
  expect(refusal?.status).toBe(200);
  expect(JSON.parse(refusal?.text ?? "")).toEqual({
    jsonrpc: "2.0", id: 7,
    result: { isError: true, content: [{ type: "text", text: "Denied by policy mcp.tools: MCP tool rm is not allowed. Hint: ask for it. (request c1-1)" }] },
  });
});

test.each([`7`, `"7"`, `-1`, `0`, `12345678901234567890123`, `1.0`, `1e3`, `"ä\\u0000"`, `""`])("the id %s is written again as it came", (id) => {
  expect(refuse(call(id))?.text).toContain(`"id":${id},`);
});

test("where it is configured, it is an error; other methods are refused with one always", () => {
  expect(JSON.parse(refuse(call("7"), { config: { deniedCalls: "error" } })?.text ?? "")).toEqual({
    jsonrpc: "2.0", id: 7,
    error: { code: -32003, message: "MCP tool rm is not allowed", data: { error: "policy.denied", rule: "mcp.tools", hint: "ask for it", request_id: "c1-1" } },
  });
  expect(refuse(`{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"x"}}`)).toMatchObject({ status: 200, text: expect.stringContaining(`"code":-32003`) as unknown });
});

test("every request of a batch is answered, in one list", () => {
  const answers = JSON.parse(refuse(`[${call("1")},{"jsonrpc":"2.0","method":"notifications/initialized"},{"jsonrpc":"2.0","id":2,"method":"ping"}]`)?.text ?? "") as object[];
  expect(answers).toMatchObject([{ id: 1, result: { isError: true } }, { id: 2, error: { code: -32003 } }]);
});

test("whoever takes nothing but events gets one", () => {
  expect(refuse(call("7"), { accept: "text/event-stream" })).toMatchObject({ status: 200, type: "text/event-stream", text: expect.stringMatching(/^event: message\ndata: \{.*\}\n\n$/) as unknown });
});

test("where nobody waits for an answer, the status says it", () => {
  expect(refuse(`{"jsonrpc":"2.0","method":"notifications/cancelled"}`)).toMatchObject({ status: 403, text: expect.stringContaining(`"id":null`) as unknown });
  expect(refuse(`{"jsonrpc":"2.0","id":3,"result":{}}`)?.status).toBe(403);
});

test("what failed, or cannot be read, keeps its status and the id", () => {
  expect(refuse(call("7"), { error: new EgressError("policy.unavailable", "x") })).toMatchObject({ status: 503, text: expect.stringContaining(`"id":7`) as unknown });
  const mismatch = new EgressError("request.malformed", "x", { explanation: { rule: "mcp.headers", reason: "r", hint: "h" } });
  expect(refuse(call("7"), { error: mismatch })).toMatchObject({ status: 400, text: expect.stringMatching(/"id":7.*-32020/) as unknown });
  expect(refuse(call("7"), { error: new EgressError("request.malformed", "x") })).toMatchObject({ status: 400, text: expect.stringContaining("-32600") as unknown });
});

test("what is no MCP is not refused as such", () => {
  expect(refuse(`{"model":"x"}`)).toBeNull();
  expect(refuse("")).toBeNull();
  expect(refuse("no json")).toBeNull();
});

test("in a session over HTTP with SSE the refusal travels in the stream of the instance that opened it", () => {
  const told: string[] = [];
  const streams = new EndpointStreams();
  const forget = streams.add("i1", mcpHead([], "/sse"), "/mcp?sessionId=1", (bytes) => told.push(bytes.toString()) > 0);
  expect(refuse(call("7"), { streams })?.status).toBe(200);
  streams.add("i2", mcpHead([], "/sse"), "https://mcp.ok/mcp", () => { throw new Error("told another instance"); });
  streams.add("i1", mcpHead([], "/sse"), "https://evil.ok/mcp", () => { throw new Error("told another origin"); });
  expect(refuse(call("7"), { streams })?.status).toBe(200);
  streams.add("i1", mcpHead([], "/sse"), "mcp", (bytes) => told.push(bytes.toString()) > 0);
  expect(refuse(call("7"), { streams })).toMatchObject({ status: 202, text: "Accepted" });
  expect(told).toEqual([expect.stringContaining(`"id":7`)]);
  forget?.();
});

test("where the stream is not read, nothing is kept for it: the request itself is answered, by its status too", () => {
  const streams = new EndpointStreams();
  streams.add("i1", mcpHead([], "/sse"), "mcp", () => false);
  const refusal = refuse(`[${call("7")},${call("8")}]`, { streams });
  expect([refusal?.status, JSON.parse(refusal?.text ?? "")]).toEqual([403, [expect.objectContaining({ id: 7 }), expect.objectContaining({ id: 8 })]]);
});

test("a stream names no endpoint at another host", () => {
  expect(new EndpointStreams().add("i1", mcpHead([], "/sse"), "https://evil.ok/mcp", () => true)).toBeNull();
});
