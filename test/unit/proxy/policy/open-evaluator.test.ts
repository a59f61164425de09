import { expect, test } from "vitest";
import { programmedAgents } from "../../../../proxy/policy/open-evaluator.ts";

const cluster = (fields: object) => ({ egress: { hosts: {}, cluster: { holders: { a: { coder: ["a.web", "a.code"], plain: ["a.web"] }, b: { coder: ["b.code"] } }, ...fields } } });

test("agents that hold a policy with Rego are told from those that do not", () => {
  expect(programmedAgents(cluster({ programs: ["a.code"] }))).toEqual(new Set(["a/coder"]));
  expect(programmedAgents(cluster({ programs: ["a.code", "b.code"] }))).toEqual(new Set(["a/coder", "b/coder"]));
});

test("where nobody wrote Rego there are none, nor on one machine", () => {
  for (const data of [cluster({ programs: [] }), cluster({}), { egress: { hosts: {} } }, {}]) expect(programmedAgents(data)).toEqual(new Set());
});
