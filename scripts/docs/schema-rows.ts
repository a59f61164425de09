import * as z from "zod";

/** One setting as a reader sees it. */
export interface Row {
  /** `upstream.connectTimeoutMs`; `[]` = each item of a list, `<name>` = a key that the operator chooses. */
  readonly path: string;
  readonly type: string;
  /** As written in YAML; "required" or "unset" without a default. */
  readonly fallback: string;
  readonly description: string;
}

/** The part of JSON Schema that zod writes for configuration schemas. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
}

/** Rows of an object schema, in the order of the schema, one for each setting. */
export function schemaRows(schema: z.ZodType): Row[] {
  return objectRows("", z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Node);
}

function objectRows(prefix: string, node: Node): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => nodeRows(prefix === "" ? key : `${prefix}.${key}`, child, node.required?.includes(key) ?? false));
}

function nodeRows(path: string, node: Node, isRequired: boolean): Row[] {
  const isSection = node.properties !== undefined && (node.default === undefined || isEmptyObject(node.default));
  if (isSection) return objectRows(path, node);
  const own: Row = { path, type: typeOf(node), fallback: fallbackOf(node, isRequired), description: node.description ?? "" };
  return [own, ...innerRows(path, node)];
}

/** What is below a list, a map or a choice of shapes. */
function innerRows(path: string, node: Node): Row[] {
  if (node.items !== undefined) return below(`${path}[]`, node.items);
  if (typeof node.additionalProperties === "object") return below(`${path}.<name>`, node.additionalProperties);
  return below(path, node);
}

function below(path: string, node: Node): Row[] {
  const variants = node.oneOf ?? node.anyOf;
  if (variants !== undefined) return variants.flatMap((variant) => below(`${path}${discriminator(variant)}`, variant));
  if (node.properties === undefined) return node.items === undefined ? [] : innerRows(path, node);
  return objectRows(path, node).filter((row) => !row.type.startsWith("always "));
}

/** `(type: file)` for the variant of a discriminated union. */
function discriminator(variant: Node): string {
  const named = Object.entries(variant.properties ?? {}).find(([, child]) => child.const !== undefined);
  return named === undefined ? "" : ` (${named[0]}: ${String(named[1].const)})`;
}

function typeOf(node: Node): string {
  const variants = node.oneOf ?? node.anyOf;
  if (variants !== undefined) return [...new Set(variants.map(variantName))].join(" or ");
  if (node.const !== undefined) return `always ${JSON.stringify(node.const)}`;
  if (node.enum !== undefined) return node.enum.map((choice) => `\`${String(choice)}\``).join(", ");
  if (node.type === "array") return `list of ${plural(node.items)}`;
  if (node.type === "object") return typeof node.additionalProperties === "object" ? "map by name" : "section";
  if (node.type === "integer" || node.type === "number") return `${node.type === "integer" ? "whole number" : "number"}${rangeOf(node)}`;
  if (node.type === "boolean") return "`true`, `false`";
  return node.format === "uri" ? "URL" : "text";
}

function variantName(variant: Node): string {
  const named = Object.values(variant.properties ?? {}).find((child) => child.const !== undefined);
  return named === undefined ? typeOf(variant) : `\`${String(named.const)}\``;
}

function plural(item: Node | undefined): string {
  if (item === undefined || item.properties !== undefined || item.oneOf !== undefined) return "sections";
  const type = typeOf(item);
  return type === "text" ? "texts" : type;
}

/** Bounds that the schema states on purpose; the limits of the number type itself are noise. */
function rangeOf(node: Node): string {
  const low = node.minimum ?? (node.exclusiveMinimum === undefined ? undefined : node.exclusiveMinimum + 1);
  const high = node.maximum === Number.MAX_SAFE_INTEGER ? undefined : node.maximum;
  const isLowStated = low !== undefined && low !== -Number.MAX_SAFE_INTEGER;
  if (isLowStated && high !== undefined) return ` ${low} to ${high}`;
  if (isLowStated) return ` from ${low}`;
  return high === undefined ? "" : ` up to ${high}`;
}

function fallbackOf(node: Node, isRequired: boolean): string {
  if (node.default !== undefined) return `\`${JSON.stringify(node.default)}\``;
  return isRequired ? "required" : "unset";
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
