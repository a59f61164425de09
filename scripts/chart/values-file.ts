import { valueTree, type ValueNode } from "./value-tree.ts";

const HEAD = `# What the chart can be told. Written from the schema in scripts/chart/values.ts; a key that is not here is an error.
`;

/** The text of charts/weir/values.yaml: every setting with its meaning above it. */
export function renderValuesFile(): string {
  return [HEAD, ...valueTree().map((node) => render(node, ""))].join("\n");
}

function render({ name, description, children, value }: ValueNode, indent: string): string {
  const comment = description === "" ? "" : `${indent}# ${description}\n`;
  if (children.length === 0) return `${comment}${indent}${name}: ${JSON.stringify(value)}\n`;
  return `${comment}${indent}${name}:\n${children.map((child) => render(child, `${indent}  `)).join("")}`;
}
