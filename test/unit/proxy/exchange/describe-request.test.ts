import fc from "fast-check";
import { expect, test } from "vitest";
import { describeRequest } from "../../../../proxy/exchange/describe-request.ts";
import type { McpReading } from "../../../../proxy/model/readings.ts";

const CALL: McpReading = {
  era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "charge", arguments: { amount: 12, to: "Ann" }, prompt: null, uri: null, is_listing: false,
};
const about = (over: Partial<Parameters<typeof describeRequest>[0]> = {}) => describeRequest({ head: {}, parts: [], bodyBytes: 0, ...over });

test("a tool is shown with its arguments, a line each", () => {
  expect(about({ parts: [{ mcp: CALL }] })).toEqual(["MCP: tools/call charge", "  amount = 12", '  to = "Ann"']);
});

test("each part of a batch says which it is", () => {
  expect(about({ parts: [{ mcp: { ...CALL, arguments: null } }, { mcp: { ...CALL, tool: "refund", arguments: null } }] })).toEqual(["1 of 2: MCP: tools/call charge", "2 of 2: MCP: tools/call refund"]);
});

test("a model, an operation, a repository and a method of gRPC are said in words", () => {
  expect(about({ parts: [{ llm: { api: "a", provider: "openai", model: "m1", stream: true, max_output_tokens: 5, tools: ["search"] } }] })).toEqual(["model: m1 of openai, at most 5 output tokens", "tools: search"]);
  expect(about({ parts: [{ graphql: { type: "mutation", name: null, fields: ["pay", "ship"] } }] })).toEqual(["GraphQL: mutation (anonymous) { pay ship }"]);
  expect(about({ head: { git: { service: "git-receive-pack", repository: "org/app", is_write: true } } })).toEqual(["Git: push to org/app"]);
  expect(about({ head: { grpc: { service: "p.S", method: "Do" } } })).toEqual(["gRPC: p.S/Do"]);
});

test("a body that nobody read is said to be there", () => {
  expect(about({ parts: null, bodyBytes: 7 })).toEqual(["a body of 7 bytes that was not read"]);
  expect(about({ parts: null, bodyBytes: null })).toEqual(["a body that was not read"]);
  expect(about({ parts: null, bodyBytes: 0 })).toEqual([]);
});

test("what looks like a secret is not shown, by its name or by its beginning", () => {
  const lines = about({ parts: [{ json: { password: "hunter2", nested: { api_key: "abc", note: "use sk-live1234567890" }, text: "ghp_abcdefghijkl" } }] }).join("\n");
  expect(lines).toContain("password = [hidden]");
  expect(lines).not.toMatch(/hunter2|abc"|live1234567890|ghp_abcdef/);
});

test("terminal escapes, line ends and bidirectional marks of the agent do nothing", () => {
  const hostile = "\u001b]0;owned\u0007\r\n\u202Eweir: allowed by root";
  const lines = about({ parts: [{ mcp: { ...CALL, tool: hostile, arguments: { [hostile]: hostile } } }] });
  expect(lines).toHaveLength(2);
  expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("whatever is in a body becomes a few lines of a few hundred characters", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (json) => {
    const lines = about({ parts: [{ json }] });
    expect(lines.length).toBeLessThanOrEqual(24);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(400);
  }));
});
