import { describe, expect, test } from "vitest";
import { compileData } from "../../../../proxy/policy/compile-data.ts";
import { policyData } from "../../../../proxy/policy/data.ts";
import { headCost } from "../../../../proxy/policy/head-cost.ts";
import type { PolicyInput } from "../../../../proxy/policy/policy-engine.ts";
import { anExchange } from "../../../policy/questions.ts";

type Data = Parameters<typeof policyData.parse>[0];
const ofOneMachine = (data: Data) => headCost(compileData(policyData.parse(data)));
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
const ask = (differences: Parameters<typeof anExchange>[0] = {}): PolicyInput => anExchange(differences);

describe("with usual data, a decision takes long", () => {
  const takesLong = ofOneMachine({ hosts: [{ name: "api.example.com", paths: ["/v1/*", "/files/*.txt"] }] });

  test("by what was read of a body, and not by a usual head", () => {
    expect(takesLong(ask())).toBe(false);
    expect(takesLong({ ...ask(), read: { json: null }, json: {} })).toBe(true);
  });

  test.each([
    ["a path of many characters", { path: ["x".repeat(512)] }, { path: ["x".repeat(513)] }],
    ["a path of many segments", { path: many(64, () => "") }, { path: many(65, () => "") }],
    ["a query of many names", { query: Object.fromEntries(many(64, (at) => [`q${at}`, ["x"]])) }, { query: Object.fromEntries(many(65, (at) => [`q${at}`, ["x"]])) }],
  ])("by %s", (_, usual, unusual) => {
    expect(takesLong(ask({ request: usual }))).toBe(false);
    expect(takesLong(ask({ request: unusual }))).toBe(true);
  });

  test("and not of a connection or a name", () => {
    const { request: _, ...connection } = ask();
    expect(takesLong(connection)).toBe(false);
  });
});

describe("with data that are dear for one host, every decision may take long", () => {
  const pattern = (at: number) => `/a*b*c${at}`;
  test.each<[string, Data, Data]>([
    ["patterns with asterisks", { hosts: [{ name: "a.test", paths: many(10, pattern) }] }, { hosts: [{ name: "a.test", paths: many(80, pattern) }] }],
    ["the same in a deny", { hosts: [{ name: "a.test", effect: "deny", paths: many(10, pattern) }] }, { hosts: [{ name: "a.test", effect: "deny", paths: many(80, pattern) }] }],
    ["long patterns", { hosts: [{ name: "a.test", paths: [`/a*${"b".repeat(1_000)}`] }] }, { hosts: [{ name: "a.test", paths: many(4, (at) => `/a*${"b".repeat(1_000)}${at}`) }] }],
    ["plain paths", { hosts: [{ name: "a.test", paths: many(500, (at) => `/x${at}`) }] }, { hosts: [{ name: "a.test", paths: many(1_000, (at) => `/a/b/c/d/e/f/x${at}`) }] }],
    ["entries of one name", { hosts: many(100, () => ({ name: "a.test" })) }, { hosts: many(500, () => ({ name: "a.test" })) }],
    ["names above one another", { hosts: many(500, (at) => ({ name: `**.h${at}.test`, paths: [pattern(at)] })) }, { hosts: many(80, (at) => ({ name: `**.${"x.".repeat(at)}test`, paths: [pattern(at)] })) }],
    ["address ranges", { addresses: many(100, (at) => ({ cidr: `10.0.${at}.0/24`, ports: [443] })) }, { addresses: many(1_000, (at) => ({ cidr: `10.${at >> 8}.${at & 255}.0/24`, ports: [443] })) }],
    ["Git repositories of a deny", { hosts: [{ name: "a.test", effect: "allow", git: { repositories: many(800, (at) => `/o*/x${at}`) } }] }, { hosts: [{ name: "a.test", effect: "deny", git: { repositories: many(800, (at) => `/o*/x${at}`) } }] }],
    ["Git repositories by pattern", { hosts: [{ name: "a.test", git: { repositories: many(10, pattern) } }] }, { hosts: [{ name: "a.test", git: { repositories: many(80, pattern) } }] }],
  ])("%s", (_, usual, dear) => {
    expect(ofOneMachine(usual)(ask())).toBe(false);
    expect(ofOneMachine(dear)(ask())).toBe(true);
  });

  test("but not with many hosts, nor with patterns for bodies, which are not judged there anyhow", () => {
    expect(ofOneMachine({ hosts: many(10_000, (at) => ({ name: `h${at}.test`, paths: [pattern(at)] })) })(ask())).toBe(false);
    expect(ofOneMachine({ hosts: [{ name: "a.test", mcp: { tools: many(100, (at) => `a*b*c${at}`) } }] })(ask())).toBe(false);
  });
});

test("in a cluster it is known of each agent by all the policies that it holds, and of everybody by what holds for all", () => {
  const policy = (patterns: number) => compileData(policyData.parse({ hosts: [{ name: "a.test", paths: many(patterns, (at) => `/a*b${at}`) }] })).egress;
  const data = (base: number) => ({
    egress: { ...policy(base), cluster: { policies: { "a.one": policy(30), "a.two": policy(30), "b.one": policy(100) }, holders: { a: { both: ["a.one", "a.two"], one: ["a.one"] }, b: { dear: ["b.one"] } } } },
  });
  const asks = (takesLong: ReturnType<typeof headCost>) => [["a", "both"], ["a", "one"], ["b", "dear"], ["c", "none"]].map(([namespace = "", name = ""]) => takesLong(ask({ agent: { namespace, name } })));
  expect(asks(headCost(data(1)))).toEqual([true, false, true, false]);
  expect(asks(headCost(data(80)))).toEqual([true, true, true, true]);
});

test("data of another shape are taken for nothing that costs", () => {
  for (const data of [{}, { egress: [] }, { egress: { hosts: "x", cluster: { holders: { a: { b: "c" } } } } }]) expect(headCost(data)(ask())).toBe(false);
});
