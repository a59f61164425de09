import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keepInput } from "../../../../proxy/policy/keep-input.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";

const asIs = null;

function input(over: Partial<PolicyInput> = {}): PolicyInput {
  return {
    version: 1, budgets: {}, time: "2026-11-01T00:00:00.000Z",
    agent: { namespace: "local", name: "coder", thread: "t", user: "ada", labels: { team: "red" }, chain: [] },
    connection: { name: "api.test", is_address: false, port: 443, wire: "tls", sni: "api.test", alpn: ["h2"] },
    request: {
      method: "POST", scheme: "https", host: "api.test", port: 443, path: ["v1", "things"], query: { q: ["private words"] },
      headers: { "content-type": "application/json", authorization: "Bearer canary", "mcp-protocol-version": "2025-11-25" }, upgrade: null,
    },
    ...over,
  };
}

const MCP = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", prompt: null, uri: null, is_listing: false } as const;

describe("keepInput", () => {
  test("keeps who asked for what, with labels, segments and harmless headers", () => {
    const kept = keepInput(input(), "keys", asIs);
    expect(kept?.input).toMatchObject({
      agent: { labels: { team: "red" } }, connection: { sni: "api.test", alpn: ["h2"] },
      request: { path: ["v1", "things"], headers: { "content-type": "application/json", "mcp-protocol-version": "2025-11-25" } },
    });
  });

  test.each(["full", "keys"] as const)("at level %s never keeps the value of another header or of a query parameter, and names each", (level) => {
    const kept = keepInput(input(), level, asIs);
    expect(JSON.stringify(kept)).not.toMatch(/canary|private words/);
    expect(kept?.redacted).toEqual(["input.request.query.q", "input.request.headers.authorization"]);
  });

  test.each(["full", "keys"] as const)("at level %s keeps of the headers of MCP what says how a client speaks, never what repeats a body or opens a session", (level) => {
    const headers = {
      "mcp-protocol-version": "2026-06-18", "mcp-method": "tools/call", "mcp-name": "s3cret-name", "mcp-param-password": "s3cret-value", "mcp-session-id": "s3cret-session", "mcp-anything": "s3cret-key",
    };
    const kept = keepInput(input({ request: { ...input().request!, query: {}, headers } }), level, asIs);
    expect(JSON.stringify(kept)).not.toContain("s3cret");
    expect(kept?.input["request"]).toHaveProperty("headers", { "mcp-protocol-version": "2026-06-18", "mcp-method": "tools/call" });
    expect(kept?.redacted).toEqual(["mcp-name", "mcp-param-password", "mcp-session-id", "mcp-anything"].map((name) => `input.request.headers["${name}"]`));
  });

  test("keeps no header by how its name begins: every value that is there is of a name on a short list", () => {
    const stems = ["mcp-", "mcp-protocol-version-", "x-", "accept-", "content-", "anthropic-", "openai-", "grpc-", "git-", "sec-", ""];
    fc.assert(fc.property(fc.constantFrom(...stems), fc.stringMatching(/^[a-z0-9-]{12,20}$/), (stem, rest) => {
      expect(JSON.stringify(keepInput(input({ request: { ...input().request!, headers: { [stem + rest]: "s3cret" } } }), "full", asIs))).not.toContain("s3cret");
    }));
  });

  test.each(["eyJhbGciOi", "dG9rZW4=", "hunter2"])("takes what stands in the query without a value, %s, for a value", (token) => {
    const query = { [token]: [""], [`${token}+`]: ["=="], page: ["2"] };
    const kept = keepInput(input({ request: { ...input().request!, query, headers: {} } }), "full", asIs);
    expect(JSON.stringify(kept)).not.toContain(token);
    expect(kept?.redacted).toEqual(["input.request.query", "input.request.query.page"]);
  });

  test("keeps of the URI of a resource neither user nor query, and of a session with a database no options", () => {
    const mcp = { ...MCP, method: "resources/read", tool: null, arguments: null, uri: "https://ada:s3cret@files.test/a?sig=s3cret#s3cret" };
    const kept = keepInput(input({ mcp, sql: { user: "ada", database: "app", application_name: "psql", options: "-c app.key=s3cret" } }), "full", asIs);
    expect(JSON.stringify(kept)).not.toContain("s3cret");
    expect(kept?.input).toMatchObject({ mcp: { uri: "https://files.test/a" }, sql: { user: "ada", database: "app" } });
    expect(kept?.redacted).toEqual(expect.arrayContaining(["input.mcp.uri", "input.sql.options"]));
    expect(keepInput(input({ mcp: { ...mcp, uri: "file:///a" } }), "keys", asIs)).toMatchObject({ input: { mcp: { uri: "file:///a" } }, redacted: expect.not.arrayContaining(["input.mcp.uri"]) });
  });

  test.each([
    ["jdbc:postgresql://u:s3cret@h/db", "jdbc:postgresql://h/db"], ["postgres://u:pa/ss-s3cret@h/db", "postgres://h/db"], ["s3://k:s3/cret@b", "s3://b"], ["https://h/x;token=s3cret", "https://h/x"],
    ["https://h/%3Ftoken=s3cret", "https://h/"], ["https:\\\\u:s3cret@h", "https:"], ["u:s3cret%40host/x", "u:host/x"], ["data:text/plain,s3cret", "data:"], ["mem:/?a=1#s3cret", "mem:/"],
    ["https://a@b:s3cret@h/x", "https://h/x"],
  ])("of the resource %s its place, and says so", (uri, place) => {
    const kept = keepInput(input({ mcp: { ...MCP, method: "resources/read", tool: null, arguments: null, uri } }), "full", asIs);
    expect(kept).toMatchObject({ input: { mcp: { uri: place } }, redacted: expect.arrayContaining(["input.mcp.uri"]) });
  });

  test("keeps what a body says by its names alone at level keys", () => {
    const kept = keepInput(input({ mcp: { ...MCP, arguments: { path: "/home/ada/diary", mode: 1 } }, json: { salary: 100_000 } }), "keys", asIs);
    expect(kept?.input).toMatchObject({ mcp: { tool: "write", arguments: {} }, json: {} });
    expect(kept?.redacted).toEqual(expect.arrayContaining(["input.mcp.arguments.path", "input.mcp.arguments.mode", "input.json.salary"]));
    expect(JSON.stringify(kept)).not.toMatch(/diary|100000/);
  });

  test("keeps it up to 256 characters at level full, and names what it shortened", () => {
    const kept = keepInput(input({ mcp: { ...MCP, arguments: { path: "/workspace/a", text: "x".repeat(300) } } }), "full", asIs);
    expect(kept?.input["mcp"]).toMatchObject({ arguments: { path: "/workspace/a", text: "x".repeat(256) } });
    expect(kept?.redacted).toContain("input.mcp.arguments.text");
    expect(kept?.redacted).not.toContain("input.mcp.arguments.path");
  });

  test("keeps nothing at level none", () => {
    expect(keepInput(input(), "none", asIs)).toBeUndefined();
  });

  test("takes lent secrets out of whatever is kept, names included", () => {
    const scrub = (text: string) => text.replaceAll("s3cret", "******");
    const kept = keepInput(input({ mcp: { ...MCP, arguments: { s3cret: 1, path: "/s3cret" } } }), "full", scrub);
    expect(JSON.stringify(kept)).not.toContain("s3cret");
    expect(kept?.redacted).toEqual(expect.arrayContaining(["input.mcp.arguments", "input.mcp.arguments.path"]));
  });

  test("stays below 8 KiB and a few thousand values, whatever an agent sends", () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 60 }), (json, many) => {
      const headers = Object.fromEntries(Array.from({ length: many }, (_, at) => [`x-${"h".repeat(at * 8)}${at}`, "value"]));
      const kept = keepInput(input({ json: { json, list: Array.from({ length: many * 100 }, () => json) }, request: { ...input().request!, headers } }), "full", asIs);
      expect(Buffer.byteLength(JSON.stringify(kept?.input))).toBeLessThanOrEqual(8_192);
      expect(kept?.redacted.length).toBeLessThanOrEqual(100);
    }), { numRuns: 50 });
  });
});
