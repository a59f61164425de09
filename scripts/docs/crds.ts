import { stringify } from "yaml";
import * as z from "zod";
import { GROUP } from "../../common/labels.ts";
import { CUSTOM_RESOURCES, type CustomResource } from "../../controller/resources/custom-resources.ts";
import { NAME_RULE } from "../../controller/resources/structural.ts";
import { dataJsonSchema } from "../../proxy/policy/data.ts";

type Schema = Record<string, unknown>;

/** What a structural schema may say (apiextensions.k8s.io/v1); anything else that zod would write is a mistake to be noticed here. */
const KEPT = new Set(["type", "description", "default", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
  "maxProperties", "items", "properties", "required", "additionalProperties"]);
const DROPPED = new Set(["$schema", "$defs", "propertyNames"]);
const QUANTITY_KINDS: ReadonlySet<unknown> = new Set(["integer", "number", "string"]);
/** From the grammar of resource.Quantity. */
const QUANTITY = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

/** CustomResourceDefinitions as YAML, by file name. */
export function renderCrds(): ReadonlyMap<string, string> {
  const heading = "# Generated from controller/resources/ by `npm run docs:generate`.\n";
  const text = (resource: CustomResource) => stringify(definition(resource), { lineWidth: 0, aliasDuplicateObjects: false });
  return new Map(CUSTOM_RESOURCES.map((resource) => [`${resource.type.plural}.yaml`, heading + text(resource)]));
}

function definition(resource: CustomResource): object {
  const { plural, kind, version } = resource.type;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${GROUP}`, annotations: { "helm.sh/resource-policy": "keep" }, labels: { "app.kubernetes.io/part-of": "weir" } },
    spec: {
      group: GROUP,
      scope: "Namespaced",
      names: { plural, singular: resource.singular, kind, listKind: `${kind}List`, shortNames: [resource.shortName], categories: ["weir"] },
      versions: [{
        name: version, served: true, storage: true,
        schema: { openAPIV3Schema: rootSchema(resource) },
        subresources: { status: {} },
        ...(resource.selectable.length === 0 ? {} : { selectableFields: resource.selectable.map((jsonPath) => ({ jsonPath })) }),
        additionalPrinterColumns: resource.columns,
      }],
    },
  };
}

function rootSchema({ type, spec, status }: CustomResource): Schema {
  const specSchema = structural(jsonSchema(spec));
  if (type.kind === "EgressPolicy") describeEntries(specSchema);
  return {
    type: "object",
    ...("description" in specSchema ? { description: specSchema["description"] } : {}),
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: specSchema,
      status: withoutDefaults(structural(jsonSchema(status))),
    },
    "x-kubernetes-validations": [NAME_RULE],
  };
}

function jsonSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: "input", reused: "inline" });
}

/**
 * A structural schema with the same meaning: unknown fields are pruned (or refused, as the client asked), never an error of the schema; an object
 * that may hold anything keeps it.
 */
function structural(schema: Schema): Schema {
  const kinds = kindsOf(schema);
  if (kinds !== null) return kinds.every((kind) => QUANTITY_KINDS.has(kind)) ? intOrString(schema) : anyValue(schema);
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const kept: Schema = {};
  for (const [key, value] of Object.entries(schema)) {
    if (DROPPED.has(key) || (key === "additionalProperties" && (isOpen || value === false)) || isNoLimit(key, value)) continue;
    if (key === "exclusiveMinimum") {
      kept["minimum"] = (value as number) + 1;
      continue;
    }
    if (!KEPT.has(key) && !key.startsWith("x-kubernetes-")) throw new Error(`a structural schema cannot say ${key}: ${JSON.stringify(value)}`);
    kept[key] = convert(key, value);
  }
  if (kept["type"] === "integer") kept["format"] = "int64";
  if (kept["format"] === "date-time") delete kept["pattern"];
  return kept;
}

function convert(key: string, value: unknown): unknown {
  if (key === "items" || key === "additionalProperties") return structural(value as Schema);
  if (key === "properties") return Object.fromEntries(Object.entries(value as Record<string, Schema>).map(([name, property]) => [name, structural(property)]));
  return value;
}

/** zod names the largest safe integers where nobody asked for a limit. */
function isNoLimit(key: string, value: unknown): boolean {
  return (key === "minimum" && value === Number.MIN_SAFE_INTEGER) || (key === "maximum" && value === Number.MAX_SAFE_INTEGER);
}

/** Of a schema that allows more than one; null for the others. */
function kindsOf({ type, anyOf }: Schema): readonly unknown[] | null {
  if (Array.isArray(type)) return type;
  return anyOf === undefined ? null : (anyOf as readonly Schema[]).map((one) => one["type"]);
}

/** A value of several kinds cannot be said in a structural schema: the API server keeps it, and what reads it judges it. */
function anyValue({ description }: Schema): Schema {
  return { ...(description === undefined ? {} : { description }), "x-kubernetes-preserve-unknown-fields": true };
}

/** A number or a text: the text of a Quantity, unless the schema has a pattern of its own. */
function intOrString({ description, default: fallback, pattern = QUANTITY }: Schema): Schema {
  return {
    ...(description === undefined ? {} : { description }), ...(fallback === undefined ? {} : { default: fallback }),
    anyOf: [{ type: "integer" }, { type: "string" }], pattern, "x-kubernetes-int-or-string": true,
  };
}

/** Without what the API server would write by itself; in a status nobody would have reported it. */
function withoutDefaults(schema: Schema): Schema {
  const { default: _, ...rest } = schema;
  const properties = rest["properties"] as Record<string, Schema> | undefined;
  if (properties === undefined) return rest;
  return { ...rest, properties: Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, withoutDefaults(property)])) };
}

/** A schema and all below it without defaults, and with unknown fields kept in every object. */
function keptWhole(schema: Schema): Schema {
  const { default: _, ...kept } = schema;
  for (const key of ["items", "additionalProperties"]) if (typeof kept[key] === "object") kept[key] = keptWhole(kept[key] as Schema);
  const properties = kept["properties"] as Record<string, Schema> | undefined;
  if (properties === undefined) return kept;
  kept["properties"] = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, keptWhole(property)]));
  return { ...kept, "x-kubernetes-preserve-unknown-fields": true };
}

const ASK_RULE = { rule: "has(self.ask) == (has(self.effect) && self.effect == 'ask')", message: "ask says what a person is asked: it belongs to an entry with effect: ask, and to no other" };

/**
 * Entries of a policy's data, as the proxy's schema has them. Unknown fields are kept, however deep: pruning one, such as `agents` or a limit that is
 * misspelt, would silently widen what the entry says; the controller reports it instead. It also knows the defaults: written by the API server into objects of open shape they
 * would be a difference to what GitOps and Terraform hold.
 */
function describeEntries(spec: Schema): void {
  const source = (dataJsonSchema() as { properties: Record<"hosts" | "addresses", { items: Schema }> }).properties;
  const { data } = spec["properties"] as Record<"data", Schema>;
  const lists = data["properties"] as Record<"hosts" | "addresses", Schema>;
  for (const list of ["hosts", "addresses"] as const) {
    const entry = keptWhole(structural(source[list].items));
    const { agents: _, ...properties } = entry["properties"] as Record<string, Schema>;
    lists[list]["items"] = { ...entry, properties, "x-kubernetes-validations": [ASK_RULE] };
  }
}
