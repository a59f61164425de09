import { expect, test } from "vitest";
import { readObject, readPage } from "../../../../common/kube/kube-objects.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";

const WRONG = [null, undefined, 1, "x", [], {}, { metadata: null }, { metadata: [] }, { metadata: {} }, { metadata: { name: "" } }, { metadata: { name: 1 } },
  { metadata: { name: "a", namespace: 1 } }, { metadata: { name: "a", uid: {} } }, { metadata: { name: "a", resourceVersion: 5 } }, { metadata: { name: "a", labels: [] } },
  { metadata: { name: "a", annotations: { x: null } } }, { metadata: { name: "a", deletionTimestamp: 0 } }];

test.each(WRONG.map((value) => [value]))("%o is no object", (value) => {
  expect(() => readObject(value, TYPES.pods, "test")).toThrow(expect.objectContaining({ name: "KubeError", status: 0, reason: "Malformed" }) as Error);
});

test("an item of a list gets the kind that lists leave out, and keeps its own", () => {
  expect(readObject({ metadata: { name: "a", creationTimestamp: null } }, TYPES.leases, "test")).toEqual({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "a" } });
  expect(readObject({ kind: "Own", metadata: { name: "a" } }, TYPES.pods, "test").kind).toBe("Own");
});

test("a page has a version, and says where it goes on", () => {
  expect(readPage({ metadata: { resourceVersion: "5", continue: "c" }, items: null }, TYPES.pods, "test")).toEqual({ resourceVersion: "5", next: "c", items: [] });
  for (const wrong of [{}, { metadata: {} }, { metadata: { resourceVersion: "" } }, { metadata: { resourceVersion: "5", continue: 1 } }, { metadata: { resourceVersion: "5" }, items: {} }, { metadata: { resourceVersion: "5" }, items: [{}] }]) {
    expect(() => readPage(wrong, TYPES.pods, "test"), JSON.stringify(wrong)).toThrow("the answer is not what it should be");
  }
});
