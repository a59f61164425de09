import type * as z from "zod";

/** Keys that a schema takes at a place; of several alternatives those of all. None where it takes any. */
export function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const found = path.reduce<readonly z.core.$ZodType[]>((schemas, step) => schemas.flatMap((each) => below(each, step)), alternatives(schema));
  return [...new Set(found.flatMap((each) => {
    const { def } = (each as z.core.$ZodTypes)._zod;
    return def.type === "object" ? Object.keys(def.shape) : [];
  }))];
}

function below(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "array") return alternatives(def.element);
  if (def.type === "record") return alternatives(def.valueType);
  const inner = def.type === "object" && Object.hasOwn(def.shape, step) ? def.shape[String(step)] : undefined;
  return inner === undefined ? [] : alternatives(inner);
}

/** What a schema is without what is wrapped around it: defaults, transforms, a choice of several. */
function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ("innerType" in def) return alternatives(def.innerType);
  if (def.type === "pipe") return alternatives(def.in);
  if (def.type === "lazy") return alternatives(def.getter());
  return def.type === "union" ? def.options.flatMap(alternatives) : [schema];
}
