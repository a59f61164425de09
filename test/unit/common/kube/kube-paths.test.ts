import { expect, test } from "vitest";
import { collectionPath, homePath, objectPath, withParameters } from "../../../../common/kube/kube-paths.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";

test("paths follow group, version and namespace", () => {
  expect(collectionPath(TYPES.pods, undefined)).toBe("/api/v1/pods");
  expect(collectionPath(TYPES.agents, "a")).toBe("/apis/weir.dev/v1alpha1/namespaces/a/agents");
  expect(objectPath(TYPES.namespaces, { name: "a" })).toBe("/api/v1/namespaces/a");
  expect(objectPath(TYPES.threads, { namespace: "a", name: "b" }, "status")).toBe("/apis/weir.dev/v1alpha1/namespaces/a/threads/b/status");
});

test.each(["", ".", ".."])("%o is no name", (name) => {
  expect(() => objectPath(TYPES.pods, { namespace: "a", name })).toThrow("is not a name");
  expect(() => objectPath(TYPES.pods, { namespace: name, name: "a" })).toThrow("is not a name");
});

test("a name stays in its place", () => {
  expect(objectPath(TYPES.pods, { namespace: "a", name: "../../secrets/b?x#y" })).toBe("/api/v1/namespaces/a/pods/..%2F..%2Fsecrets%2Fb%3Fx%23y");
});

test("an object without its namespace is not looked for in all of them, and one that has none is not looked for in one", () => {
  expect(() => objectPath(TYPES.pods, { name: "a" })).toThrow("needs a namespace");
  expect(() => homePath(TYPES.pods, undefined)).toThrow("needs a namespace");
  expect(() => objectPath(TYPES.namespaces, { namespace: "a", name: "b" })).toThrow("has no namespace");
});

test("parameters are encoded, and left out when they have no value", () => {
  expect(withParameters("/x", { labelSelector: "a in (b,c)", limit: 5, force: true, continue: undefined })).toBe("/x?labelSelector=a+in+%28b%2Cc%29&limit=5&force=true");
  expect(withParameters("/x?a=b", { c: "d" })).toBe("/x?a=b&c=d");
  expect(withParameters("/x", {})).toBe("/x");
});
