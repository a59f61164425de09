import * as z from "zod";
import { chartValues } from "./values.ts";

/** A setting of the chart, or a section of them. */
export interface ValueNode {
  readonly name: string;
  readonly description: string;
  /** Empty for a leaf. */
  readonly children: readonly ValueNode[];
  /** What values.yaml says. */
  readonly value: unknown;
}

type Schema = Readonly<Record<string, unknown>> & {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly default?: unknown;
};

const PROGRAMS = new Set(["proxy", "controller"]);

/** JSON Schema of the values (draft 7), as Helm checks them. */
export function valuesSchema(): object {
  const schema = z.toJSONSchema(chartValues, { io: "input", unrepresentable: "any", target: "draft-7" }) as Schema;
  const relaxed = (program: Schema) => withProperties(program, (section, key) => (key === "config" ? withoutRequired(section) : section));
  return clean(withProperties(schema, (section, name) => (PROGRAMS.has(name) ? relaxed(section) : section))) as object;
}

/** A program's configuration is only what differs from what the chart sets by itself; the program checks the whole. */
function withoutRequired(schema: Schema): Schema {
  const { required: _, ...rest } = schema;
  return schema.properties === undefined ? schema : withProperties(rest, withoutRequired);
}

function withProperties(schema: Schema, change: (child: Schema, name: string) => Schema): Schema {
  if (schema.properties === undefined) return schema;
  return { ...schema, properties: Object.fromEntries(Object.entries(schema.properties).map(([name, child]) => [name, change(child, name)])) };
}

/** The values in the order of the schema. `global` is Helm's own. */
export function valueTree(): readonly ValueNode[] {
  const schema = z.toJSONSchema(chartValues, { io: "input", unrepresentable: "any", target: "draft-7" }) as Schema;
  return childrenOf(schema).filter(({ name }) => name !== "global");
}

function childrenOf(schema: Schema): readonly ValueNode[] {
  return Object.entries(schema.properties ?? {}).map(([name, child]) => {
    const isSection = child.properties !== undefined && isEmpty(child.default);
    return { name, description: child.description ?? "", children: isSection ? childrenOf(child) : [], value: "default" in child ? child.default : {} };
  });
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

/** Helm reads patterns with Go's regular expressions, which look neither ahead nor behind; such a check is left to the program itself. */
function clean(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(clean);
  if (typeof node !== "object" || node === null) return node;
  const entries = Object.entries(node).filter(([key, value]) => !(key === "pattern" && typeof value === "string" && /\(\?[=!<]/.test(value)));
  return Object.fromEntries(entries.map(([key, value]) => [key, clean(value)]));
}
