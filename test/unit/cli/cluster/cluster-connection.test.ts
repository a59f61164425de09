import { expect, test } from "vitest";
import { namespaceOf } from "../../../../cli/cluster/cluster-connection.ts";

test("the namespace is the one that is named, else the context's, else `default`, as kubectl has it", () => {
  expect(namespaceOf({ namespace: "a" }, { namespace: "b" })).toBe("a");
  expect(namespaceOf({}, { namespace: "b" })).toBe("b");
  expect([namespaceOf({}, {}), namespaceOf({}, null)]).toEqual(["default", "default"]);
});
