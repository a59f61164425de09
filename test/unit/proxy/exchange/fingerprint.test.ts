import { describe, expect, test } from "vitest";
import { fingerprintOf, type Fingerprinted } from "../../../../proxy/exchange/fingerprint.ts";
import type { McpReading } from "../../../../proxy/model/readings.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";

const HEAD: RequestHead = {
  httpVersion: "1.1", method: "POST", scheme: "https", host: "api.test", port: 443, path: "/pay", segments: ["pay"], query: "to=1",
  headers: [["content-type", "application/json"], ["user-agent", "a"]], framing: { kind: "length", bytes: 2 }, expectsContinue: false, upgrade: null,
};
const CALL: McpReading = {
  era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "charge", arguments: { amount: 12 }, prompt: null, uri: null, is_listing: false,
};
/** A call as it stands in a body. */
const message = (id: string, amount = "12", more = "", beside = "") => of({
  read: { text: Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"charge","arguments":{"amount":${amount}}${more}}${beside}}`), parts: [{ mcp: CALL }] },
});
const of = (over: Partial<Fingerprinted> = {}, head: Partial<RequestHead> = {}) =>
  fingerprintOf({ agent: { namespace: "ns", name: "shop", thread: "t1" }, rule: "r", head: { ...HEAD, ...head }, read: { text: Buffer.from("{}"), parts: [{ json: {} }] }, ...over });

describe("the same request", () => {
  test("has the same fingerprint with its next try, whatever its client counts and measures", () => {
    expect(of({}, { headers: [["user-agent", "b"], ["content-type", "application/json"], ["traceparent", "x"]] })).toBe(of());
  });

  test("of MCP too, although its id is another", () => {
    expect(message("1")).toBe(message('"2"'));
    expect(message("1", "12", ',"_meta":{"progressToken":1}')).toBe(message("1", "12", ',"_meta":{"progressToken":"x"}'));
  });
});

describe("another request has another fingerprint", () => {
  test.each<[string, Partial<Fingerprinted>, Partial<RequestHead>]>([
    ["another thread", { agent: { namespace: "ns", name: "shop", thread: "t2" } }, {}],
    ["another agent", { agent: { namespace: "ns", name: "other", thread: "t1" } }, {}],
    ["another rule", { rule: "r2" }, {}],
    ["another method", {}, { method: "PUT" }],
    ["another host", {}, { host: "api2.test" }],
    ["another port", {}, { port: 444 }],
    ["another path", {}, { path: "/pay/more" }],
    ["another query", {}, { query: "to=2" }],
    ["another header that may change what it does", {}, { headers: [...HEAD.headers, ["x-http-method-override", "DELETE"]] }],
    ["other credentials of the agent's own", {}, { headers: [...HEAD.headers, ["authorization", "Bearer other"]] }],
    ["another body", { read: { text: Buffer.from("{ }"), parts: [{ json: {} }] } }, {}],
    ["a body that was not read", { read: null }, {}],
  ])("%s", (_, over, head) => {
    expect(of(over, head)).not.toBe(of());
  });

  test("unread bodies of two lengths are two requests", () => {
    expect(of({ read: null }, { framing: { kind: "length", bytes: 3 } })).not.toBe(of({ read: null }));
  });

  test.each<[string, string, string]>([
    ["another argument", message("1"), message("1", "13")],
    ["a number that is the same double", message("1", "1234567890123456789"), message("1", "1234567890123456701")],
    ["a number that no double holds in place of null", message("1", "null"), message("1", "1e400")],
    ["an answer to the server beside the same arguments", message("1"), message("1", "12", ',"inputResponses":{"sure":{"action":"accept"}}')],
    ["other metadata", message("1", "12", ',"_meta":{"progressToken":1}'), message("1", "12", ',"_meta":{"progressToken":1,"x":"y"}')],
    ["a member beside the parameters", message("1"), message("1", "12", "", ',"task":{}')],
  ])("a message of MCP with %s", (_, one, other) => {
    expect(one).not.toBe(other);
  });

  test("an answer of MCP to another question", () => {
    const answer = (id: string) => of({ read: { text: Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":{}}`), parts: [{ mcp: CALL }] } });
    expect(answer("1")).not.toBe(answer("2"));
  });
});
