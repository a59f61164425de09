/**
 * What a field says to the API server beyond what zod can: written beside the field by `.meta(...)`, read when the CustomResourceDefinitions are
 * generated (`npm run docs:generate`), without effect on parsing here. The strings are CEL; `maxItems` and `maxLength` keep their estimated
 * cost within the API server's limit.
 */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Rules that the API server evaluates; one that names `oldSelf` is about changes only. */
export function rules(...list: readonly (readonly [rule: string, message: string])[]): { readonly "x-kubernetes-validations": readonly CelRule[] } {
  return { "x-kubernetes-validations": list.map(([rule, message]) => ({ rule, message })) };
}

/** Elements are told apart by `key`: no two alike, and appliers own elements instead of the whole list. */
export function listMap(key: string): { readonly "x-kubernetes-list-type": "map"; readonly "x-kubernetes-list-map-keys": readonly string[] } {
  return { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key] };
}

/** No element twice; appliers own elements instead of the whole list. */
export const LIST_SET = { "x-kubernetes-list-type": "set" } as const;

/** Any JSON below this object: the API server keeps it, and what reads it judges it. */
export const ANY_FIELDS = { "x-kubernetes-preserve-unknown-fields": true } as const;

/** For the root of every kind: without a dot in them, `namespace.name` and `agent.container` can be read one way only. */
export const NAME_RULE: CelRule = {
  rule: "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')",
  message: "the name must be a DNS label: at most 63 lower case letters, digits and dashes, no dots",
};
