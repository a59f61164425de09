import { KubeError } from "./kube-api.ts";

/** Syntax of label keys and values (Kubernetes, "Labels and Selectors"). */
const KEY = /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Text of a label selector that wants all of these: a value, one of several values, or (`true`) that the label is there at all.
 * @throws KubeError 400 for what is no label: a name taken from somewhere must not become another condition
 */
export function labelSelector(wanted: Readonly<Record<string, string | readonly string[] | true>>): string {
  return Object.entries(wanted).map(([key, value]) => {
    if (!KEY.test(key)) throw unfit(key);
    if (value === true) return key;
    const values = typeof value === "string" ? [value] : value;
    if (values.length === 0) throw unfit(`${key} in ()`);
    for (const each of values) if (!VALUE.test(each)) throw unfit(each);
    return typeof value === "string" ? `${key}=${value}` : `${key} in (${values.join(",")})`;
  }).join(",");
}

/** Text of a field selector that wants all of these, such as `spec.nodeName`. */
export function fieldSelector(wanted: Readonly<Record<string, string>>): string {
  return Object.entries(wanted).map(([field, value]) => `${field}=${value.replace(/[\\,=]/g, "\\$&")}`).join(",");
}

function unfit(text: string): KubeError {
  return new KubeError(400, "BadRequest", `not a label: ${text.slice(0, 100)}`);
}
