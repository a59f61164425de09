import { valueTree, type ValueNode } from "./value-tree.ts";

const HEAD = `# The chart

Installs Weir into a cluster: the node proxies (a DaemonSet), the controller, the custom resources, the injection of the boundary into pods, and
what keeps everybody to it. How to install, use, upgrade and remove it: [docs/kubernetes.md](../../docs/kubernetes.md).

\`values.yaml\`, \`values.schema.json\`, \`files/dashboards/\` and this page are written by \`npm run docs:generate\`.

| value | default | meaning |
|---|---|---|
`;

/** The text of charts/weir/README.md. */
export function renderChartReadme(): string {
  return `${HEAD}${valueTree().flatMap((node) => rows(node, "")).join("\n")}\n`;
}

function rows({ name, description, children, value }: ValueNode, prefix: string): string[] {
  const path = `${prefix}${name}`;
  if (children.length > 0) return children.flatMap((child) => rows(child, `${path}.`));
  return [`| \`${path}\` | \`${JSON.stringify(value)}\` | ${description.replaceAll("|", "\\|")} |`];
}
