import { Command } from "commander";
import { expect, test } from "vitest";
import { serviceAccountName, withControllerOptions, type ControllerOptions } from "../../../../cli/cluster/controller-options.ts";

test("a service account is written NAMESPACE/NAME, and in no other way", () => {
  expect(serviceAccountName("team/ci")).toEqual({ namespace: "team", name: "ci" });
  for (const wrong of ["ci", "team/", "/ci", "a/b/c", ""]) expect(() => serviceAccountName(wrong)).toThrow("it is written NAMESPACE/NAME.");
});

test("every command against a controller takes the same options", () => {
  const parsed = withControllerOptions(new Command()).parse(["-n", "team", "--service-account", "team/ci", "-o", "json"], { from: "user" }).opts<ControllerOptions>();
  expect(parsed).toEqual({ namespace: "team", serviceAccount: { namespace: "team", name: "ci" }, output: "json", systemNamespace: "weir-system" });
});
