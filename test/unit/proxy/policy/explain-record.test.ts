import { expect, test } from "vitest";
import { parse } from "yaml";
import type { ConnectionRecord, ExchangeRecord, NameRecord } from "../../../../proxy/model/record.ts";
import { policyData } from "../../../../proxy/policy/data.ts";
import { explainRecord } from "../../../../proxy/policy/explain-record.ts";

const agent = { namespace: "default", name: "reviewer", thread: "t", instance: "i", user: "u", chain: [] };
const denied = (rule: string, hint = "do this") => ({ code: "policy.denied" as const, detail: "no", rule, reason: "because", hint });

const exchange: ExchangeRecord = {
  kind: "exchange", phase: "closed", timeMs: 0, agent, exchangeId: "e", connectionId: "c", method: "POST", scheme: "https", host: "api.test", port: 443,
  path: "/v1/a%20b", queryKeys: [], httpVersion: "2", userAgent: null, decision: null, credentials: [], redactions: [], outcome: "denied", error: denied("api.read"),
  status: 403, upstreamAddress: null, durationMs: 1, usage: { requestBytes: 0, responseBytes: 0 },
};
const connection: ConnectionRecord = {
  kind: "connection", phase: "closed", timeMs: 0, agent, connectionId: "c", peerAddress: null, dialled: null, host: "db.test", port: 5432, wire: "opaque",
  serverName: null, handling: null, decision: null, outcome: "denied", error: denied("hosts.default"), durationMs: 1, usage: { requestBytes: 0, responseBytes: 0 }, exchanges: 0,
};

const entryOf = (record: ExchangeRecord | ConnectionRecord) => {
  const { entry } = explainRecord(record);
  const data: unknown = parse(entry ?? "{}");
  policyData.parse(data);
  return data;
};

test("a refused request is explained by rule, reason, hint and the smallest entry that allows it", () => {
  const explanation = explainRecord(exchange);
  expect(explanation).toMatchObject({ outcome: "denied", rule: "api.read", reason: "because", hint: "do this" });
  expect(entryOf(exchange)).toEqual({ hosts: [{ name: "api.test", methods: ["POST"], paths: ["/v1/a b"], agents: ["default/reviewer"] }] });
  expect(explanation.lines[0]).toBe("POST https://api.test/v1/a%20b: denied");
});

test("what was masked in an answer is said, and of which grant", () => {
  const redactions = [{ reference: "github@file:/x#1", place: "body", count: 2 }, { reference: "github@file:/x#1", place: "frame", count: 1 }] as const;
  expect(explainRecord({ ...exchange, outcome: "allowed", error: null, redactions }).lines).toEqual(expect.arrayContaining([
    "masked:  github@file:/x#1, 2 times in the body of the answer", "masked:  github@file:/x#1, once in WebSocket frames of the answer",
  ]));
});

test("the entry is of the one method, and says what it opens all the same", () => {
  expect(entryOf({ ...exchange, method: "GET", path: "/" })).toEqual({ hosts: [{ name: "api.test", methods: ["GET"], paths: ["/"], agents: ["default/reviewer"] }] });
  expect(explainRecord({ ...exchange, method: "GET", path: "/" }).opens).toEqual(["any query and header fields"]);
  expect(explainRecord(exchange).lines).toEqual(expect.arrayContaining(["# it also opens any query and header fields", "# it also opens any body"]));
});

test("what is not recorded of a tool's arguments is open, and that is said; what is recorded is bound", () => {
  const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "mv", prompt: null, uri: null, is_listing: false };
  const called = (given: object, redacted: string[]) => explainRecord({
    ...exchange, decision: { allowed: false, rule: "api.read", revision: "r", grants: [], budgets: [], input: { input: { mcp: { ...mcp, arguments: given } }, redacted } },
  });
  expect(called({}, ["input.mcp.arguments.from"])).toMatchObject({ entry: expect.stringContaining("- mv"), opens: expect.arrayContaining(["any arguments of the tools mv"]) });
  expect(called({ from: "/a" }, []).opens.join()).not.toContain("argument");
  expect(called({ from: "/a" }, []).entry).toContain("only_these: true");
  expect(called({}, ["input.mcp.tool"]).entry).toBeNull();
});

test("another port and plain http are in the entry", () => {
  expect(entryOf({ ...exchange, method: "GET", scheme: "http", port: 8080 }))
    .toMatchObject({ hosts: [{ ports: [8080], schemes: ["http"] }] });
});

test("a path that an entry cannot say is left out", () => {
  expect(entryOf({ ...exchange, path: "/a%25b/*" })).toEqual({ hosts: [{ name: "api.test", methods: ["POST"], agents: ["default/reviewer"] }] });
});

test("a refused WebSocket needs the permission for one", () => {
  expect(entryOf({ ...exchange, method: "GET", error: denied("api.read", "set websocket: true in the rule") })).toMatchObject({ hosts: [{ websocket: true }] });
});

test("a refused connection of another protocol needs a tunnel", () => {
  expect(entryOf(connection)).toEqual({ hosts: [{ name: "db.test", ports: [5432], handling: "tunnel", agents: ["default/reviewer"] }] });
});

test("a refused session of a database needs its database and a grant", () => {
  const session = { user: "a", database: "app", applicationName: "", credentials: [], upstreamAddress: null };
  expect(entryOf({ ...connection, wire: "postgres", session })).toEqual({ hosts: [{ name: "db.test", ports: [5432], handling: "postgres", databases: ["app"], grants: ["GRANT"], agents: ["default/reviewer"] }] });
});

test("a refused address needs an entry for its range", () => {
  expect(entryOf({ ...connection, host: "10.0.0.1" })).toEqual({ addresses: [{ cidr: "10.0.0.1/32", ports: [5432], handling: "tunnel", agents: ["default/reviewer"] }] });
  expect(entryOf({ ...connection, host: "fd00::1" })).toMatchObject({ addresses: [{ cidr: "fd00::1/128" }] });
});

test("what no data can allow has no entry", () => {
  expect(explainRecord({ ...connection, error: denied("addresses.metadata") }).entry).toBeNull();
  const name: NameRecord = { kind: "name", timeMs: 0, agent, queryId: "q", connectionId: "c", name: "a.local", type: "A", answer: null, outcome: "denied", error: denied("names.hide") };
  expect(explainRecord(name)).toMatchObject({ entry: null, rule: "names.hide" });
});

test("a failure is explained by its own words and has no entry", () => {
  const failed = explainRecord({ ...exchange, outcome: "failed", error: { code: "upstream.unreachable", detail: "connect ECONNREFUSED" } });
  expect(failed).toMatchObject({ outcome: "failed", rule: null, entry: null, reason: "The destination could not be reached." });
  expect(failed.lines).toContain("detail:  connect ECONNREFUSED");
});

test("what was allowed says by which rule", () => {
  const allowed = explainRecord({ ...exchange, outcome: "allowed", error: null, decision: { allowed: true, rule: "api.write", revision: "r", grants: [], budgets: [] } });
  expect(allowed).toMatchObject({ outcome: "allowed", rule: "api.write", reason: "it was allowed", entry: null });
});

test("a slash that was kept inside a segment stays in it", () => {
  expect(entryOf({ ...exchange, method: "GET", path: "/@acme%2Fapp" })).toMatchObject({ hosts: [{ paths: ["/@acme%2Fapp"] }] });
});
