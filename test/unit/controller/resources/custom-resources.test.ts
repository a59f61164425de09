import { describe, expect, test } from "vitest";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { CUSTOM_RESOURCES } from "../../../../controller/resources/custom-resources.ts";

describe("the kinds of weir.dev", () => {
  test("are all that the API client knows, once each", () => {
    const known = Object.values(TYPES).filter(({ group }) => group === "weir.dev");
    expect(CUSTOM_RESOURCES.map(({ type }) => type.kind).toSorted((a, b) => a.localeCompare(b))).toEqual(known.map(({ kind }) => kind).toSorted((a, b) => a.localeCompare(b)));
  });

  test("have short names of their own", () => {
    const names = CUSTOM_RESOURCES.map(({ shortName }) => shortName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.every((name) => /^w[a-z]{2}$/.test(name))).toBe(true);
  });

  test.each(CUSTOM_RESOURCES.map((resource) => [resource.type.kind, resource] as const))("%s shows its age last, and each column under a name of its own", (_kind, { columns }) => {
    expect(columns.at(-1)).toMatchObject({ name: "Age", type: "date" });
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
    expect(columns.every(({ jsonPath }) => /^\.(spec|status|metadata)\./.test(jsonPath))).toBe(true);
  });
});
