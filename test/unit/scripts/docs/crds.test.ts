import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderCrds } from "../../../../scripts/docs/crds.ts";

interface Schema { readonly [key: string]: unknown; readonly properties: Readonly<Record<string, Schema>>; readonly items: Schema; readonly additionalProperties: Schema; readonly default?: unknown }
interface Crd { readonly metadata: { readonly name: string; readonly annotations: object }; readonly spec: { readonly scope: string; readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema }; readonly subresources: object }[] } }

const crds = new Map([...renderCrds()].map(([file, text]) => [file, parse(text) as Crd]));
const rootOf = (file: string) => crds.get(file)?.spec.versions[0]?.schema.openAPIV3Schema as Schema;

/** Every schema below one, itself first. */
function* within(schema: Schema): Generator<Schema> {
  yield schema;
  for (const child of Object.values(schema.properties ?? {})) yield* within(child);
  if (schema.items !== undefined) yield* within(schema.items);
  if (typeof schema.additionalProperties === "object") yield* within(schema.additionalProperties);
}

describe("the definitions of the kinds", () => {
  test.each([...crds])("%s: namespaced, with a status of its own, and kept when the release goes", (file, { metadata, spec }) => {
    expect(metadata.name).toBe(`${file.replace(".yaml", "")}.weir.dev`);
    expect([spec.scope, spec.versions[0]?.subresources]).toEqual(["Namespaced", { status: {} }]);
    expect(metadata.annotations).toMatchObject({ "helm.sh/resource-policy": "keep" });
  });

  test.each([...crds.keys()])("%s: structural all through: each place has a type, or is a quantity", (file) => {
    const untyped = [...within(rootOf(file))].filter((schema) => schema["type"] === undefined && schema["x-kubernetes-int-or-string"] !== true && schema["x-kubernetes-preserve-unknown-fields"] !== true);
    expect(untyped.filter((schema) => Object.keys(schema).some((key) => key !== "description"))).toEqual([]);
  });

  test.each([...crds.keys()])("%s: nothing is invented in a status, and a name has no dot", (file) => {
    expect([...within(rootOf(file).properties["status"] as Schema)].filter((schema) => schema.default !== undefined)).toEqual([]);
    expect(rootOf(file)["x-kubernetes-validations"]).toEqual([expect.objectContaining({ message: expect.stringContaining("DNS label") })]);
  });

  test("keep what a policy's entry says beyond the schema: pruned, `agents` would silently widen it", () => {
    const hosts = rootOf("egresspolicies.yaml").properties["spec"]?.properties["data"]?.properties["hosts"] as Schema;
    expect(hosts.items).toMatchObject({ "x-kubernetes-preserve-unknown-fields": true, properties: { name: { type: "string" } } });
    expect(hosts.items.properties).not.toHaveProperty("agents");
    expect([...within(hosts.items)].filter((schema) => schema.default !== undefined)).toEqual([]);
    expect([...within(hosts.items)].filter((schema) => schema.properties !== undefined && schema["x-kubernetes-preserve-unknown-fields"] !== true)).toEqual([]);
  });

  test("take a value of several kinds in a policy's entry as it is: a tool by its name or with its arguments, a text that is no quantity", () => {
    const entry = rootOf("egresspolicies.yaml").properties["spec"]?.properties["data"]?.properties["hosts"]?.items.properties;
    const [tools, values] = [entry?.["mcp"]?.properties["tools"]?.items, entry?.["json"]?.additionalProperties.properties["one_of"]?.items];
    for (const schema of [tools, values]) expect(schema).toEqual({ "x-kubernetes-preserve-unknown-fields": true });
  });

  test("take quantities as text and as numbers", () => {
    const size = rootOf("agents.yaml").properties["spec"]?.properties["volumes"]?.items.properties["size"];
    expect(size).toMatchObject({ "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] });
    expect(["1Gi", "500m", "1e3", "0.5", "+1"].every((text) => new RegExp(size?.["pattern"] as string).test(text))).toBe(true);
    expect(["1 Gi", "Gi", "1GiB", ""].some((text) => new RegExp(size?.["pattern"] as string).test(text))).toBe(false);
  });
});
