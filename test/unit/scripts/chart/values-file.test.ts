import { expect, test } from "vitest";
import { parse } from "yaml";
import { valueTree, type ValueNode } from "../../../../scripts/chart/value-tree.ts";
import { renderValuesFile } from "../../../../scripts/chart/values-file.ts";

const text = renderValuesFile();
const asObject = (nodes: readonly ValueNode[]): object => Object.fromEntries(nodes.map(({ name, children, value }) => [name, children.length === 0 ? value : asObject(children)]));

test("values.yaml is YAML, and holds every value as the schema has it", () => {
  expect(parse(text)).toEqual(asObject(valueTree()));
});

test("values.yaml says above each value what it is for", () => {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.trim().startsWith("stateHostPath:"));
  expect(lines[at - 1]).toMatch(/^ {2}# Folder of the node that holds the audit chain/);
});
