import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderCrds } from "../../scripts/docs/crds.ts";
import { filesUnder, read } from "./repository.ts";

const FOLDER = "charts/weir/files/crds";

/** Every schema below this one with its path. */
function* schemas(schema: Record<string, unknown>, path: string): Generator<[string, Record<string, unknown>]> {
  yield [path, schema];
  for (const [name, property] of Object.entries((schema["properties"] ?? {}) as Record<string, Record<string, unknown>>)) yield* schemas(property, `${path}.${name}`);
  for (const key of ["items", "additionalProperties"]) if (typeof schema[key] === "object") yield* schemas(schema[key] as Record<string, unknown>, `${path}[]`);
}

describe("the custom resource definitions", () => {
  test("say what the schemas say; `npm run docs:generate` writes them", () => {
    const rendered = renderCrds();
    expect(filesUnder(FOLDER, ".yaml")).toEqual([...rendered.keys()].map((name) => `${FOLDER}/${name}`).sort());
    for (const [name, text] of rendered) expect(read(`${FOLDER}/${name}`), name).toBe(text);
  });

  test("say of each field what it is for, and limit each list", () => {
    const silent: string[] = [];
    for (const [name, text] of renderCrds()) {
      const { spec } = parse(text) as { spec: { versions: { schema: { openAPIV3Schema: { properties: Record<string, Record<string, unknown>> } } }[] } };
      const { properties } = spec.versions[0]!.schema.openAPIV3Schema;
      for (const part of ["spec", "status"]) {
        for (const [path, schema] of schemas(properties[part]!, `${name} ${part}`)) {
          if (schema["description"] === undefined && !path.endsWith("[]") && path !== `${name} status`) silent.push(`${path} has no description`);
          if (schema["type"] === "array" && schema["maxItems"] === undefined) silent.push(`${path} has no maxItems`);
        }
      }
    }
    expect(silent).toEqual([]);
  });

  test("hold nothing that Helm would take for a template", () => {
    for (const text of renderCrds().values()) expect(text).not.toContain("{{");
  });
});
