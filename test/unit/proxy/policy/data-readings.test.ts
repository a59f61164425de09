import { expect, test } from "vitest";
import { policyData } from "../../../../proxy/policy/data.ts";

const problemsOf = (said: object) => policyData.safeParse({ hosts: [{ name: "a.test", ...said }] }).error?.issues.map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`) ?? [];
const ask = { reason: "May it?" };
const toolWith = (rules: object, more: object = {}) => ({ mcp: { tools: [{ name: "a", arguments: rules, ...more }] } });

test.each([
  ["an expression that is none", toolWith({ x: { matches: "(" } }), "is no regular expression"],
  ["an expression that closes what it did not open", toolWith({ x: { matches: "a)|(b" } }), "is no regular expression"],
  ["an expression that quotes what follows it", toolWith({ x: { matches: "\\Qa" } }), "is no regular expression"],
  ["an expression that RE2 has not", toolWith({ x: { matches: "(?=a)" } }), "is no regular expression"],
  ["a rule that says nothing", toolWith({ x: { optional: true } }), "says nothing"],
  ["a relative path", toolWith({ x: { within: "workspace" } }), "is a path from the root"],
  ["an argument that is too deep", toolWith({ "a.b.c.d.e.f.g": { type: "string" } }), "is more than 6 levels deep"],
  ["an argument without a name", toolWith({ "a..b": { type: "string" } }), "is a name"],
  ["a pointer that is too deep", { json: { "/a/b/c/d/e/f/g": { type: "string" } } }, "is more than 6 levels deep"],
  ["a pointer that is none", { json: { channel: { type: "string" } } }, "is no JSON pointer"],
  ["two asterisks", { mcp: { tools: ["a**"] } }, "one is enough"],
  ["a WebSocket beside a reading", { mcp: {}, websocket: true }, "would let pass what no reading sees"],
  ["a repository with .git at its end", { git: { repositories: ["acme/app.git"] } }, "without .git"],
  ["one in capitals", { git: { repositories: ["acme/*.GIT"] } }, "without .git"],
  ["a limit of what is read, where nothing is", { git: {}, max_read_bytes: 10 }, "only where a body is read"],
  ["a deny of calls with these arguments alone", { effect: "deny", ...toolWith({ x: { max: 1 } }, { only_these: true }) }, "one argument more would pass it"],
  ["a reading of a tunnel", { handling: "tunnel", mcp: {} }, "has no meaning in a tunnel"],
  ["an ask that asks nothing", { effect: "ask" }, "must say what the person is asked"],
  ["a question in an allow", { ask }, "belongs to an entry with `effect: ask`"],
  ["a question in a deny", { effect: "deny", ask }, "has no meaning in an entry that denies"],
])("an entry may not hold %s", (_, said, message) => {
  expect(problemsOf(said).join("\n")).toContain(message);
});

test.each([
  ["every kind of reading", { mcp: {}, llm: {}, git: {}, grpc: ["a.B/*"], graphql: {}, json: {} }],
  ["a question about a tunnel", { effect: "ask", ask, handling: "tunnel" }],
  ["a reading of a deny", { effect: "deny", mcp: { tools: ["a"] }, max_read_bytes: 10 }],
  ["expressions of RE2", toolWith({ x: { matches: "(?i)a|b{2,3}\\d" }, "a.b.c.d.e.f": { max: 1 } })],
])("an entry may hold %s", (_, said) => {
  expect(problemsOf(said)).toEqual([]);
});
