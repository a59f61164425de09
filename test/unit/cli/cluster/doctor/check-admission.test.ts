import { expect, test } from "vitest";
import { admissionCheck } from "../../../../../cli/cluster/doctor/check-admission.ts";
import { SEEN_TYPES } from "../../../../../cli/cluster/seen-types.ts";
import { anInstalledCluster } from "../../../../support/installed-cluster.ts";

const NAME = "weir-governed-pods";
type Change = (object: Record<string, unknown>) => void;

test("the policies are bound, and deny", async () => {
  expect(await (await anInstalledCluster()).said(admissionCheck)).toEqual([{ name: "admission policies", state: "ok", detail: "4 are bound, and deny", fix: "" }]);
});

test.each<{ what: string; type: "admissionPolicies" | "admissionBindings"; change: Change; state: string; detail: string }>([
  { what: "that lets errors pass", type: "admissionPolicies", state: "fail", detail: "lets pass what it cannot judge",
    change: (object) => { object["spec"] = { failurePolicy: "Ignore" }; } },
  { what: "that only warns", type: "admissionBindings", state: "fail", detail: "only says Warn, Audit",
    change: (object) => { object["spec"] = { policyName: NAME, validationActions: ["Warn", "Audit"] }; } },
  { what: "whose binding names another", type: "admissionBindings", state: "fail", detail: "is bound to nothing",
    change: (object) => { object["spec"] = { policyName: "other", validationActions: ["Deny"] }; } },
  { what: "that the API server does not understand", type: "admissionPolicies", state: "warn", detail: "spec.validations[0]: undeclared",
    change: (object) => { object["status"] = { typeChecking: { expressionWarnings: [{ fieldRef: "spec.validations[0]", warning: "undeclared" }] } }; } },
])("one $what is named", async ({ type, change, state, detail }) => {
  const cluster = await anInstalledCluster();
  await cluster.change(SEEN_TYPES[type], NAME, change);
  expect(await cluster.said(admissionCheck)).toMatchObject([{ state, detail: expect.stringContaining(detail) }]);
});

test("one that is missing is named, with its binding or without", async () => {
  const cluster = await anInstalledCluster();
  await cluster.api.remove(SEEN_TYPES.admissionBindings, { name: NAME });
  expect(await cluster.said(admissionCheck)).toMatchObject([{ state: "fail", detail: `${NAME} is bound to nothing` }]);
  await cluster.api.remove(SEEN_TYPES.admissionPolicies, { name: NAME });
  expect(await cluster.said(admissionCheck)).toMatchObject([{ state: "fail", detail: `${NAME} is not there` }]);
});
