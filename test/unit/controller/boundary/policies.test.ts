import { describe, expect, test } from "vitest";
import { judgePolicies, policyId, type RegoVerdicts } from "../../../../controller/boundary/policies.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { resourcesOf } from "../../../support/boundary-resources.ts";

const REGO = { rego: { "x.rego": "package weir.custom.exchange\n" } };
const COMPILED = { sources: new Map([["x.rego", "moved"]]), questions: new Set(["exchange" as const]) };

function judge(spec: object, rego: RegoVerdicts = new Map(), excluded = new Map()) {
  const known = { grants: new Set(["a.github"]), budgets: new Set<string>(), packs: new Map() };
  return judgePolicies(resourcesOf({ policies: { "a/p": spec } }).policies, known, { rego, excluded }).get("a.p");
}

describe("a policy", () => {
  test("of data alone is in force", () => {
    expect(judge({ data: { hosts: [{ name: "x.test", grants: ["github"] }] } })).toMatchObject({ refusal: null, problems: [], value: { namespace: "a", name: "p", data: { hosts: [{ grants: ["a.github"] }] } } });
  });

  test("with Rego is in force with what the compiler made of it, and not without the compiler's word", () => {
    expect(judge(REGO, new Map([["a.p", COMPILED]]))).toMatchObject({ refusal: null, value: { rego: COMPILED } });
    expect(judge(REGO)).toMatchObject({ value: null, refusal: { reason: "InvalidRego", message: "1 problem; rego: was not compiled" } });
  });

  test("with a fault is not in force, and every fault is told: of its data, and of its Rego by line", () => {
    const outcome = judge({ ...REGO, data: { hosts: [{ name: "x.test", agents: ["b/x"] }] } }, new Map([["a.p", [{ file: "x.rego", line: 3, message: "bad" }]]]));
    expect(outcome).toMatchObject({ value: null, refusal: { reason: "InvalidData", message: expect.stringMatching(/^2 problems; data: hosts\.0\.agents/) } });
    expect(outcome?.problems).toEqual([{ file: "data", message: expect.stringContaining("hosts.0.agents") }, { file: "x.rego", line: 3, message: "bad" }]);
  });

  test("that names a grant which is not there is in force, and says so", () => {
    expect(judge({ data: { hosts: [{ name: "x.test", grants: ["gone"] }] } })).toMatchObject({ refusal: null, unresolved: [{ file: "data", message: expect.stringContaining("no accepted CredentialGrant gone") }] });
  });

  test("that is left out is not in force, however good it is", () => {
    expect(judge({}, new Map(), new Map([["a.p", refused("TooLarge", "no room")]]))).toMatchObject({ value: null, refusal: { reason: "TooLarge", message: "no room" } });
  });

  test("that is not understood is not in force, and says what is not", () => {
    expect(judge({ dreams: true })).toMatchObject({ value: null, refusal: { reason: "Unreadable" }, problems: [{ file: "data", message: expect.stringContaining("dreams") }] });
  });

  test("is known by namespace and name", () => {
    expect(resourcesOf({ policies: { "a/p": {} } }).policies.map(policyId)).toEqual(["a.p"]);
  });
});
