import type * as z from "zod";
import { weirConfig } from "../../cli/config.ts";
import { controllerConfig } from "../../controller/config.ts";
import { schemaRows, type Row } from "./schema-rows.ts";

const INTRODUCTION = `# Configuration

One file, \`weir.yaml\` (YAML or JSON), for \`weir run\` and \`weir up\`; \`weir init\` writes a commented starter. Every setting has its unit in its
name. An unknown key, a wrong type or a value out of range ends the program with exit code 78 and one message that lists every problem.
Relative paths are relative to the file. A secret is never a value here, always the path of a file.

This page is generated from the schemas by \`npm run docs:generate\`. \`<name>\` stands for a key that you choose, \`[]\` for each item of a list.
`;

const CONTROLLER_INTRODUCTION = `# Configuration of the controller

What \`controller.mjs\` reads from the one file that it is called with. The chart writes it; \`controller.config\` of its values is put over what it
writes. [configuration.md](configuration.md) is the same for the node proxies, and says how to read these tables.

This page is generated from the schemas by \`npm run docs:generate\`.
`;

const TOP_LEVEL = "Top level";

/** The text of docs/configuration.md. */
export function renderConfiguration(): string {
  return render(INTRODUCTION, weirConfig);
}

/** The text of docs/controller-configuration.md. */
export function renderControllerConfiguration(): string {
  return render(CONTROLLER_INTRODUCTION, controllerConfig);
}

function render(introduction: string, schema: z.ZodType): string {
  const sections = Map.groupBy(schemaRows(schema), ({ path }) => (/^\w+$/.test(path) ? TOP_LEVEL : path.split(/[.[]/, 1)[0] ?? ""));
  // A map or a list at the top level opens the section of its own name.
  for (const row of sections.get(TOP_LEVEL) ?? []) {
    const own = sections.get(row.path);
    if (own !== undefined) own.unshift(row);
  }
  const scalars = (sections.get(TOP_LEVEL) ?? []).filter((row) => !sections.has(row.path));
  const others = [...sections].filter(([name]) => name !== TOP_LEVEL);
  return [introduction, ...[[TOP_LEVEL, scalars] as const, ...others].filter(([, rows]) => rows.length > 0).map(([name, rows]) => section(name, rows))].join("\n");
}

function section(name: string, rows: readonly Row[]): string {
  const title = name === TOP_LEVEL ? name : `\`${name}\``;
  return [`## ${title}`, "", "| setting | type | default | meaning |", "|---|---|---|---|", ...rows.map(line), ""].join("\n");
}

function line({ path, type, fallback, description }: Row): string {
  return `| \`${path}\` | ${type} | ${fallback} | ${description} |`.replaceAll("\n", " ");
}
