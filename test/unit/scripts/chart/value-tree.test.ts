import { describe, expect, test } from "vitest";
import { valuesSchema, valueTree, type ValueNode } from "../../../../scripts/chart/value-tree.ts";
import { chartValues } from "../../../../scripts/chart/values.ts";

interface Schema { readonly properties?: Readonly<Record<string, Schema>>; readonly required?: readonly string[]; readonly pattern?: string; readonly additionalProperties?: unknown; readonly items?: Schema }
const schema = valuesSchema() as Schema;

function* within(node: Schema): Generator<Schema> {
  yield node;
  for (const child of [...Object.values(node.properties ?? {}), ...(node.items === undefined ? [] : [node.items])]) yield* within(child);
}

/** What values.yaml says, as an object. */
const defaults = (nodes: readonly ValueNode[]): Record<string, unknown> =>
  Object.fromEntries(nodes.map(({ name, children, value }) => [name, children.length === 0 ? value : defaults(children)]));

describe("the values of the chart", () => {
  test("are what the schema takes, all of them at once", () => {
    expect(chartValues.omit({ proxy: true, controller: true, policy: true }).safeParse(Object.fromEntries(Object.entries(defaults(valueTree())).filter(([name]) => !["proxy", "controller", "policy"].includes(name)))).success).toBe(true);
  });

  test("say of each leaf what it is for, a request of memory aside", () => {
    const silent = (nodes: readonly ValueNode[], prefix = ""): string[] => nodes.flatMap(({ name, description, children }) =>
      (children.length > 0 ? silent(children, `${prefix}${name}.`) : description === "" ? [`${prefix}${name}`] : []));
    expect(silent(valueTree()).filter((path) => !/resources\.(requests|limits)$/.test(path))).toEqual([]);
  });

  test("do not have Helm's own", () => {
    expect(valueTree().map(({ name }) => name)).not.toContain("global");
    expect(schema.properties).toHaveProperty("global");
  });
});

describe("the schema of the values", () => {
  test("refuses what it does not know", () => {
    expect(schema.additionalProperties).toBe(false);
    expect(schema.properties?.["proxy"]?.additionalProperties).toBe(false);
  });

  test("asks for no setting of a program: what the chart does not set, the program's default does", () => {
    for (const program of ["proxy", "controller"]) {
      const config = schema.properties?.[program]?.properties?.["config"] as Schema;
      expect(Object.values(config.properties ?? {}).filter(({ required }) => required !== undefined)).toEqual([]);
    }
  });

  test("has no pattern that Go's regular expressions cannot read", () => {
    expect([...within(schema)].map(({ pattern }) => pattern ?? "").filter((pattern) => /\(\?[=!<]/.test(pattern))).toEqual([]);
  });
});
