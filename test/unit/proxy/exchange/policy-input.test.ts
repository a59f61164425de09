import { describe, expect, test } from "vitest";
import { policyInput, lenientQuery } from "../../../../proxy/exchange/policy-input.ts";
import { readHead } from "../../../../proxy/exchange/read-head.ts";
import { opened } from "../../../support/exchange.ts";

function inputFor(target: string, fields: readonly (readonly [string, string])[] = []) {
  const connection = opened();
  const rawHeaders = [["Host", "api.ok"], ...fields].flat();
  const head = readHead({ httpVersion: "1.1", method: "GET", target, authority: null, scheme: null, rawHeaders }, false, connection, "refuse");
  return policyInput(head, connection, { "team-a": { limit: 5, spent: 1, reserved: 1 } }, Date.UTC(2026, 0, 2));
}

describe("policyInput", () => {
  test("says who asks for what on which connection", () => {
    expect(inputFor("/v1/x?a=1", [["X-A", "1"], ["x-a", "2"]])).toEqual({
      version: 1,
      agent: { namespace: "default", name: "researcher", thread: "t1", user: "ann", labels: { team: "a" }, chain: [] },
      connection: { name: "api.ok", is_address: false, port: 443, wire: "tls", sni: "api.ok", alpn: ["http/1.1"] },
      request: { method: "GET", scheme: "https", host: "api.ok", port: 443, path: ["v1", "x"], query: { a: ["1"] }, headers: { "x-a": "1, 2" }, upgrade: null, has_body: false },
      budgets: { "team-a": { limit: 5, spent: 1, reserved: 1 } }, time: "2026-01-02T00:00:00.000Z",
    });
  });

  test("takes __proto__ for a key like any other", () => {
    const input = JSON.parse(JSON.stringify(inputFor("/?__proto__=1&constructor=2", [["__proto__", "3"]]))) as { request: { query: object; headers: object } };
    expect(Object.entries(input.request.query)).toEqual([["__proto__", ["1"]], ["constructor", ["2"]]]);
    expect(Object.entries(input.request.headers)).toEqual([["__proto__", "3"]]);
  });
});

describe("lenientQuery", () => {
  test.each<[string | null, Record<string, string[]>]>([
    [null, {}], ["", {}], ["a", { a: [""] }], ["a=1&a=2&b", { a: ["1", "2"], b: [""] }], ["a%20b=c+d%2Be", { "a b": ["c d+e"] }], ["a=b=c", { a: ["b=c"] }], ["&&=x", { "": ["x"] }], ["a=%zz", { a: ["%zz"] }], ["a=%zz+b&c=d+e", { a: ["%zz b"], c: ["d e"] }],
  ])("%j", (query, expected) => {
    expect({ ...lenientQuery(query) }).toEqual(expected);
  });
});
