import { expect, test } from "vitest";
import { compileData, compileEntries } from "../../../../proxy/policy/compile-data.ts";
import { policyData } from "../../../../proxy/policy/data.ts";

const compile = (data: unknown) => compileData(policyData.parse(data)).egress;

test("an entry that says only a name allows reading over https at port 443, to every agent", () => {
  expect(compile({ hosts: [{ name: "api.test" }] }).hosts.exact["api.test"]).toEqual([expect.objectContaining({
    order: 0, rule: "hosts.api.test", effect: "allow", agents: [{ namespace: null, name: null }], ports: [443], schemes: ["https"], handling: "intercept",
    methods: ["GET", "HEAD"], paths: [{ segments: [], rest: true }], websocket: false, grants: [], budgets: [], obligations: {},
  })]);
});

test("an entry that denies and says only a name denies everything", () => {
  expect(compile({ hosts: [{ name: "api.test", effect: "deny" }] }).hosts.exact["api.test"]).toEqual([expect.objectContaining({
    effect: "deny", ports: [], methods: ["*"], paths: [{ segments: [], rest: true }], whole: true,
  })]);
});

test("a deny of one path is not a deny of the whole", () => {
  expect(compile({ hosts: [{ name: "api.test", effect: "deny", paths: ["/admin/**"] }] }).hosts.exact["api.test"]).toEqual([expect.objectContaining({ whole: false })]);
});

test("names are indexed by what they cover, in the order of the data", () => {
  const { hosts } = compile({ hosts: [{ name: "**.a.test" }, { name: "*.a.test" }, { name: "a.test" }, { name: "*.a.test", rule: "second" }, { name: "**" }] });
  expect(Object.keys(hosts.exact)).toEqual(["a.test"]);
  expect(Object.keys(hosts.many)).toEqual(["a.test", ""]);
  expect(hosts.one["a.test"]?.map(({ order, rule }) => [order, rule])).toEqual([[1, "hosts.*.a.test"], [3, "second"]]);
});

test("entries of one name without a rule of their own are told apart", () => {
  const { hosts } = compile({ hosts: [{ name: "a.test" }, { name: "a.test" }, { name: "a.test" }] });
  expect(hosts.exact["a.test"]?.map(({ rule }) => rule)).toEqual(["hosts.a.test", "hosts.a.test#2", "hosts.a.test#3"]);
});

test("a rule of its own is never longer than an answer may carry, and still one for each entry", () => {
  const label = "a".repeat(63);
  const name = [label, label, label, "example.test"].join(".");
  const entries = compileEntries(policyData.parse({ hosts: [{ name }, { name }] }), `${"p".repeat(63)}/`).hosts.exact[name] ?? [];
  const rules = entries.map(({ rule }) => rule);
  expect(new Set(rules).size).toBe(2);
  for (const rule of rules) expect(policyData.safeParse({ hosts: [{ name, rule }] }).success, rule).toBe(true);
});

test("a label that JavaScript has a meaning for is a name like any other", () => {
  const { hosts, hidden } = compile({ hosts: [{ name: "__proto__" }, { name: "constructor" }], names: { hide: ["__proto__"] } });
  expect(Object.hasOwn(hosts.exact, "__proto__")).toBe(true);
  expect(JSON.parse(JSON.stringify(hidden)).exact).toHaveProperty(["__proto__"], true);
  expect(Object.keys(hosts.exact)).toEqual(["__proto__", "constructor"]);
});

test("addresses keep their order and their range", () => {
  const { addresses } = compile({ addresses: [{ cidr: "10.0.0.0/8", ports: [5432], handling: "tunnel", budgets: ["db"] }] });
  expect(addresses).toEqual([expect.objectContaining({ cidr: "10.0.0.0/8", rule: "addresses.10.0.0.0/8", ports: [5432], handling: "tunnel", budgets: ["db"] })]);
});

test("limits become obligations", () => {
  const { hosts } = compile({ hosts: [{ name: "a.test", max_request_bytes: 10, max_response_bytes: 20, max_output_tokens: 30, when_short: "refuse" }] });
  expect(hosts.exact["a.test"]?.[0]?.obligations).toEqual({ max_request_bytes: 10, max_response_bytes: 20, max_output_tokens: 30, when_short: "refuse" });
});

test("packs that nobody expanded are not passed over: what they deny would be allowed", () => {
  expect(() => compile({ packs: [{ pack: "github" }] })).toThrow("not expanded");
});

test("what an entry reads and asks goes with it, and a deny that reads is none of the connection", () => {
  const { hosts } = compile({ hosts: [
    { name: "a.test", effect: "ask", ask: { reason: "May it?" }, mcp: { tools: ["merge"] } }, { name: "a.test", effect: "deny", methods: ["*"], llm: {} },
  ] });
  expect(hosts.exact["a.test"]).toEqual([
    expect.objectContaining({ readings: ["mcp"], methods: ["GET", "POST", "DELETE"], ask: { reason: "May it?", hint: expect.any(String), timeout_seconds: 300, scopes: ["once", "thread"] } }),
    expect.objectContaining({ readings: ["llm"], whole: false }),
  ]);
});
