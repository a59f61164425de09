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

/** JSON Schema of the values (draft 7), as Helm checks them. */
export function valuesSchema(): object {
  return clean(z.toJSONSchema(chartValues, { io: "input", unrepresentable: "any", target: "draft-7" })) as object;
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
