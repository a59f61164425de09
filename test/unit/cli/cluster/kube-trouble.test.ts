import { expect, test } from "vitest";
import { isForbidden, kubeTrouble } from "../../../../cli/cluster/kube-trouble.ts";
import { KubeError } from "../../../../common/kube/kube-api.ts";

test.each([
  [0, 69, "Is the cluster up"], [503, 69, "Is the cluster up"], [401, 1, "Sign in to the cluster again"], [403, 1, "kubectl auth can-i"], [404, 1, "Is Weir installed"], [409, 1, "kubectl"],
])("a %d of the API server ends with exit code %d and a hint", (status, exitCode, hint) => {
  expect(kubeTrouble(new KubeError(status, "", "GET /x: words"))).toMatchObject({ name: "UserError", message: "GET /x: words", exitCode, hint: expect.stringContaining(hint) });
});

test("what is not the API server's comes back as it is", () => {
  const error = new Error("a fault");
  expect(kubeTrouble(error)).toBe(error);
});

test("forbidden is what another user might see", () => {
  expect([403, 401, 404, 0].map((status) => isForbidden(new KubeError(status, "", "")))).toEqual([true, true, false, false]);
  expect(isForbidden(new Error("403"))).toBe(false);
});
