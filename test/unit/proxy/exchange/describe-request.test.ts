import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DETAIL_LENGTH, DETAIL_LINES, PATH_LENGTH } from "../../../../common/approvals/views.ts";
import { describeRequest, type Described } from "../../../../proxy/exchange/describe-request.ts";
import type { BodyReadings, McpReading } from "../../../../proxy/model/readings.ts";

const CALL: McpReading = {
  era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "charge", arguments: {}, prompt: null, uri: null, is_listing: false,
};
const about = (over: Partial<Described> = {}) => describeRequest({ head: { path: "/", query: null, headers: [] }, readings: {}, read: null, bodyBytes: 0, rule: "r", ...over });
const body = (text: string, ...parts: BodyReadings[]) => about({ read: { text: Buffer.from(text), parts }, bodyBytes: text.length });
const json = (text: string) => body(text, { json: {} });
const mcp = (text: string) => body(text, { mcp: CALL });
const tooMuch = expect.objectContaining({ code: "approval.too-large", explanation: expect.objectContaining({ rule: "r" }) as unknown }) as Error;

describe("what is sent is shown", () => {
  test("a tool with its arguments, a line each", () => {
    expect(mcp('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"charge","arguments":{"amount":12,"to":"Ann"}}}')).toEqual(["MCP: tools/call charge", '  "amount" = 12', '  "to" = "Ann"']);
  });

  test("what stands beside the arguments, and answers to the server", () => {
    expect(mcp('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"charge","inputResponses":{"sure":true},"_meta":{"progressToken":1,"x":1}},"task":{}}'))
      .toEqual(["MCP: tools/call charge", '  params "inputResponses" = {"sure":true}', '  params "_meta" = {"x":1}', '  message "task" = {}']);
    expect(mcp('{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}')).toEqual(["MCP: response", '  message "result" = {"action":"accept"}']);
    expect(mcp('{"jsonrpc":"2.0","id":1,"method":"custom/do","params":{"all":true}}')).toEqual(["MCP: custom/do", '  params "all" = true']);
  });

  test("numbers as they were written", () => {
    expect(json('{"account":1234567890123456789,"most":1e400,"list":[0.10]}')).toEqual(['  "account" = 1234567890123456789', '  "most" = 1e400', '  "list" = [0.10]']);
  });

  test("each part of a batch, and which it is", () => {
    const call = (tool: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${tool}"}}`;
    expect(mcp(`[${call("charge")},${call("refund")}]`)).toEqual(["1 of 2: MCP: tools/call charge", "2 of 2: MCP: tools/call refund"]);
  });

  test("the values of a GraphQL operation, not its name alone", () => {
    expect(body('{"query":"mutation { pay(amount: 7) }","variables":{"to":"Eve"}}', { graphql: { type: "mutation", name: null, fields: ["pay"] } }))
      .toEqual(["GraphQL: mutation (anonymous) { pay }", '  "query" = "mutation { pay(amount: 7) }"', '  "variables" = {"to":"Eve"}']);
  });

  test("a repository and a method of gRPC in words", () => {
    expect(about({ readings: { git: { service: "git-receive-pack", repository: "org/app", is_write: true } } })).toEqual(["Git: push to org/app"]);
    expect(about({ readings: { grpc: { service: "p.S", method: "Do" } } })).toEqual(["gRPC: p.S/Do"]);
  });

  test("a long value goes on in the next line, whole, behind a mark that begins no other line", () => {
    const lines = json(JSON.stringify({ command: `${"a".repeat(500)}; rm -rf /` }));
    expect(lines.length).toBe(3);
    expect(lines.slice(1).every((line) => line.startsWith("  … "))).toBe(true);
    expect(lines.map((line) => line.replace(/^ {2}… /, "")).join("")).toBe(`  "command" = "${"a".repeat(500)}; rm -rf /"`);
  });
});

test("header fields that may say what is done are named, without what looks like a secret, and usual ones are not", () => {
  const headers = [["host", "s3.test"], ["user-agent", "x"], ["x-amz-copy-source", "/other/secret"], ["sk-live1234567890", "1"], ["x-amz-copy-source", "/b"]] as const;
  expect(about({ head: { path: "/", query: null, headers } })).toEqual(["NOT SHOWN: header fields x-amz-copy-source, [hidden: 17 characters]"]);
});

describe("nobody is asked about what they cannot see", () => {
  test.each<[string, () => unknown]>([
    ["more members than there are lines", () => json(JSON.stringify(Object.fromEntries(Array.from({ length: DETAIL_LINES + 1 }, (_, at) => [`f${at}`, at]))))],
    ["a value that is longer than all lines", () => json(JSON.stringify({ a: "x".repeat(DETAIL_LINES * DETAIL_LENGTH) }))],
    ["a batch of too many calls", () => mcp(`[${Array.from({ length: DETAIL_LINES + 1 }, () => '{"method":"ping"}').join(",")}]`)],
    ["a path that is too long", () => about({ head: { path: `/${"a".repeat(PATH_LENGTH)}`, query: null, headers: [] } })],
    ["a body of megabytes", () => json(`{"a":1${" ".repeat(300_000)}}`)],
  ])("%s", (_, describing) => {
    expect(describing).toThrow(tooMuch);
  });

  test("as many members as there are lines are all shown", () => {
    const lines = json(JSON.stringify({ ...Object.fromEntries(Array.from({ length: DETAIL_LINES - 1 }, (_, at) => [`f${at}`, at])), amount: 1_000_000 }));
    expect(lines.at(-1)).toBe('  "amount" = 1000000');
  });
});

describe("what is sent and not shown is said first", () => {
  test("a body that nobody read, and a query", () => {
    expect(about({ bodyBytes: 7 })).toEqual(["NOT SHOWN: a body of 7 bytes that was not read"]);
    expect(about({ bodyBytes: null })).toEqual(["NOT SHOWN: a body that was not read"]);
    expect(about({ head: { path: "/", query: "all=true", headers: [] } })).toEqual(["NOT SHOWN: a query of 8 characters"]);
    expect(about()).toEqual([]);
  });

  test("what is said to a model, beside its name and its tools", () => {
    expect(body('{"model":"m1"}', { llm: { api: "a", provider: "openai", model: "m1", stream: true, max_output_tokens: 5, tools: ["search"] } }))
      .toEqual(["NOT SHOWN: all else in a body of 14 bytes", "model: m1 of openai, at most 5 output tokens", "tools: search"]);
  });
});

describe("the agent's word", () => {
  test("makes no line that looks like another member: keys are quoted", () => {
    expect(json('{"amount = 12, note":"invoice 7","amount":1000000}')).toEqual(['  "amount = 12, note" = "invoice 7"', '  "amount" = 1000000']);
  });

  test("is escaped where it steers a terminal, ends a line or turns the direction of reading", () => {
    const hostile = "\u001b]0;owned\u0007\r\n\u202Eweir: allowed by root";
    const lines = mcp(JSON.stringify({ method: hostile, params: { name: hostile, arguments: { [hostile]: hostile } } }));
    expect(lines).toHaveLength(2);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("becomes a few lines of a few hundred characters, or no question", () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const lines = json(JSON.stringify(value));
      expect(lines.length).toBeLessThanOrEqual(DETAIL_LINES);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(DETAIL_LENGTH);
    }));
  });
});
