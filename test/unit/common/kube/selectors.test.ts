import { expect, test } from "vitest";
import { fieldSelector, labelSelector } from "../../../../common/kube/selectors.ts";

test("a label selector wants values, one of several, or the label itself", () => {
  expect(labelSelector({ "weir.dev/inject": "enabled", app: ["a", "b"], "weir.dev/agent": true })).toBe("weir.dev/inject=enabled,app in (a,b),weir.dev/agent");
  expect(labelSelector({})).toBe("");
});

test.each([
  [{ app: "a,weir.dev/agent=x" }], [{ app: "a b" }], [{ app: ["a", "b)"] }], [{ "app,other": "a" }], [{ "": "a" }], [{ app: [] }], [{ app: "-a" }], [{ app: "x".repeat(64) }],
])("a label selector takes no text that would become another condition: %o", (wanted) => {
  expect(() => labelSelector(wanted)).toThrow("not a label");
});

test("a field selector escapes what separates", () => {
  expect(fieldSelector({ "spec.nodeName": "a", "metadata.name": "b,c=d\\e" })).toBe("spec.nodeName=a,metadata.name=b\\,c\\=d\\\\e");
});
