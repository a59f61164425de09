import { expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { keyOf, readResources } from "../../../../controller/boundary/resources.ts";
import { A_BUDGET, A_GRANT, resourcesOf } from "../../../support/boundary-resources.ts";

test("what the cluster holds is read kind by kind, in order of key, whatever the order of its lists", () => {
  const budget = (namespace: string, name: string): KubeObject => ({ metadata: { namespace, name, uid: name }, spec: A_BUDGET });
  const none = { list: () => [] };
  const list = () => [budget("b", "a"), budget("a", "z"), budget("a", "b")];
  expect(readResources({ agents: none, egressPolicies: none, credentialGrants: none, budgets: { list } }).budgets.map(({ key }) => key)).toEqual(["a/b", "a/z", "b/a"]);
});

test("what is not understood stays in its place, beside what is", () => {
  const { grants } = resourcesOf({ grants: { "a/good": A_GRANT, "a/odd": { dreams: true } } });
  expect(grants.map(({ key, reading }) => [key, reading.isReadable])).toEqual([["a/good", true], ["a/odd", false]]);
  expect(grants[1]?.object["spec"]).toEqual({ dreams: true });
});

test("a key is namespace and name", () => {
  expect([keyOf({ metadata: { namespace: "a", name: "b" } }), keyOf({ metadata: { name: "b" } })]).toEqual(["a/b", "/b"]);
});
