import { describe, expect, test } from "vitest";
import { compileReadings, methodsOfReadings, type CompiledReadings } from "../../../../proxy/policy/compile-readings.ts";
import { policyData } from "../../../../proxy/policy/data.ts";

const entryOf = (said: object) => {
  const [entry] = policyData.parse({ hosts: [{ name: "a.test", ...said }] }).hosts;
  if (entry === undefined) throw new Error("no entry");
  return entry;
};
const compile = (said: object): CompiledReadings => compileReadings(entryOf(said));
const ask = { effect: "ask", ask: { reason: "May it?" } };
const deny = { effect: "deny" };

describe("methods of an entry that names none", () => {
  test.each([
    [{ mcp: {} }, ["GET", "POST", "DELETE"]], [{ git: {} }, ["GET", "POST"]], [{ llm: {} }, ["POST"]], [{ grpc: ["a.B/C"] }, ["POST"]], [{ graphql: {} }, ["GET", "POST"]],
    [{ json: { "/a": { type: "string" } } }, ["POST"]], [{ mcp: {}, json: {} }, ["POST"]], [{}, undefined],
  ])("of %j are those by which all of its readings travel", (said, methods) => {
    expect(methodsOfReadings(entryOf(said))).toEqual(methods);
  });
});

test("what is read of a body has a limit: a small one, but for requests to models", () => {
  expect(compile({ mcp: {} }).max_read_bytes).toBe(131_072);
  expect(compile({ llm: {} }).max_read_bytes).toBe(16 << 20);
  expect(compile({ llm: {}, max_read_bytes: 10 }).max_read_bytes).toBe(10);
  expect(compile({ git: {} })).not.toHaveProperty("max_read_bytes");
});

describe("mcp", () => {
  test("covers what every client needs, and the lists of what is named", () => {
    const { opening, sessions, texts } = compile({ mcp: { tools: ["a"], prompts: ["b"] } }).mcp ?? {};
    expect(opening?.exact).toEqual(expect.arrayContaining(["initialize", "tools/list", "prompts/list"]));
    expect(opening?.exact).not.toContain("resources/list");
    expect([sessions, opening?.affixes]).toEqual([true, [["notifications/", ""]]]);
    expect(texts).toMatchObject({ tools: "a", resources: "none" });
  });

  test("that names methods covers those instead, and the lists still", () => {
    const { opening, methods } = compile({ mcp: { methods: ["initialize"], tools: ["a"] } }).mcp ?? {};
    expect([opening?.exact, opening?.affixes, methods?.exact]).toEqual([["tools/list"], [], ["initialize"]]);
  });

  test("of a deny covers what it names alone, and everything if it names nothing", () => {
    expect(compile({ ...deny, mcp: { tools: ["a"] } }).mcp).toMatchObject({ everything: false, sessions: false, opening: { exact: [], affixes: [] } });
    expect(compile({ ...deny, mcp: {} }).mcp).toMatchObject({ everything: true });
    expect(compile({ ...ask, mcp: {} }).mcp).toMatchObject({ everything: false, sessions: true });
  });

  test("finds tools by name, also one that JavaScript has a meaning for", () => {
    const named = JSON.parse(JSON.stringify(compile({ mcp: { tools: ["__proto__", "read_*", { name: "a", arguments: { x: { max: 1 } } }, { name: "a", arguments: { x: { min: 9 } } }] } }).mcp?.tools)) as { named: object; like: unknown[] };
    expect(Object.keys(named.named)).toEqual(["__proto__", "a"]);
    expect(named).toMatchObject({ named: { a: [{ arguments: [{ name: "x" }] }, { arguments: [{ name: "x" }] }] }, like: [{ name: { affixes: [["read_", ""]] } }] });
  });

  test("limits the keys at every level that its rules look into", () => {
    const tool = { name: "a", arguments: { "o.p.q": { type: "string" }, "o.r": { type: "string" }, s: { type: "string" } }, only_these: true };
    const o = { key: "o", index: null };
    expect(compile({ mcp: { tools: [tool] } }).mcp?.tools.named["a"]?.[0]?.only).toEqual([
      { at: [], keys: ["o", "s"] }, { at: [o], keys: ["p", "r"] }, { at: [o, { key: "p", index: null }], keys: ["q"] },
    ]);
  });
});

test.each([
  ["an allow", {}, [false]], ["an allow of writing", { access: "write" }, [false, true]], ["a deny", { deny: true }, [false, true]], ["a deny of writing", { deny: true, access: "write" }, [true]],
  ["a deny of reading", { deny: true, access: "read" }, [false]],
])("git of %s covers reading and writing as it says", (_, { deny: denies, ...git }: { deny?: boolean; access?: string }, writes) => {
  expect(compile({ ...(denies === true ? deny : {}), git }).git?.writes).toEqual(writes);
});

test("git of a deny is written small, as it is compared", () => {
  expect(compile({ ...deny, git: { repositories: ["Acme/App"] } }).git?.repositories.exact).toEqual(["acme/app"]);
  expect(compile({ git: { repositories: ["Acme/App"] } }).git?.repositories.exact).toEqual(["Acme/App"]);
});

test("graphql covers queries, of a deny every operation", () => {
  expect(compile({ graphql: {} }).graphql?.types).toEqual(["query"]);
  expect(compile({ ...deny, graphql: {} }).graphql?.types).toEqual(["query", "mutation", "subscription"]);
});

test("json reads pointers as RFC 6901 writes them", () => {
  expect(compile({ json: { "/a~1b/m~0n/0": { type: "string" }, "": { type: "object" } } }).json?.map(({ path }) => path.map(({ key }) => key))).toEqual([["a/b", "m~n", "0"], []]);
});

test("grpc tells whole services from methods", () => {
  expect(compile({ grpc: ["a.B/C", "a.D/*"] }).grpc).toMatchObject({ methods: ["a.B/C"], services: ["a.D"] });
});
