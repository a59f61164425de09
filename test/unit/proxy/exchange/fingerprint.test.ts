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
const of = (over: Partial<Fingerprinted> = {}, head: Partial<RequestHead> = {}) =>
  fingerprintOf({ agent: { namespace: "ns", name: "shop", thread: "t1" }, rule: "r", head: { ...HEAD, ...head }, read: { bytes: Buffer.from("{}"), parts: [{ json: {} }] }, ...over });

describe("the same request", () => {
  test("has the same fingerprint with its next try, whatever its client counts and measures", () => {
    expect(of({}, { headers: [["user-agent", "b"], ["content-type", "application/json"], ["traceparent", "x"]] })).toBe(of());
  });

  test("of MCP too, although its id is another", () => {
    const call = (id: number, amount = 12) => of({ read: { bytes: Buffer.from(JSON.stringify({ id, amount })), parts: [{ mcp: { ...CALL, arguments: { amount } } }] } });
    expect(call(1)).toBe(call(2));
    expect(call(1)).not.toBe(call(1, 13));
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
    ["another body", { read: { bytes: Buffer.from("{ }"), parts: [{ json: {} }] } }, {}],
    ["a body that was not read", { read: null }, {}],
  ])("%s", (_, over, head) => {
    expect(of(over, head)).not.toBe(of());
  });

  test("a message of MCP that no reading covers whole counts by its bytes", () => {
    const odd = (bytes: string) => of({ read: { bytes: Buffer.from(bytes), parts: [{ mcp: { ...CALL, method: "custom/do", tool: null, arguments: null } }] } });
    expect(odd("1")).not.toBe(odd("2"));
  });
});
