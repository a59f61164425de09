import { KubeError, type ListQuery, type ObjectRef, type ResourceType } from "./kube-api.ts";

/** Query parameters; a key without a value is left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path of a collection; without a namespace, of all namespaces. */
export function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${segment(type.group)}/${type.version}`;
  if (namespace === undefined) return `${root}/${segment(type.plural)}`;
  if (!type.isNamespaced) throw unfit(`${type.kind} has no namespace`);
  return `${root}/namespaces/${segment(namespace)}/${segment(type.plural)}`;
}

/** Path of one object. @throws KubeError 400 if its namespace is missing or out of place: no request is sent to somewhere else */
export function objectPath(type: ResourceType, ref: ObjectRef, subresource?: "status"): string {
  return `${homePath(type, ref.namespace)}/${segment(ref.name)}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** Path of the collection that one object lives in, which is never that of all namespaces. */
export function homePath(type: ResourceType, namespace: string | undefined): string {
  if (type.isNamespaced && namespace === undefined) throw unfit(`${type.kind} needs a namespace`);
  return collectionPath(type, namespace);
}

/** The selectors of a query, as parameters. */
export function selectors(query: ListQuery): Parameters {
  return { labelSelector: query.labelSelector, fieldSelector: query.fieldSelector };
}

export function withParameters(path: string, parameters: Parameters): string {
  const given = Object.entries(parameters).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
  return given.length === 0 ? path : `${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams(given).toString()}`;
}

/** A name as one segment: it can neither leave its place nor be empty. */
function segment(name: string): string {
  if (name === "" || name === "." || name === "..") throw unfit(`"${name}" is not a name`);
  return encodeURIComponent(name);
}

function unfit(message: string): KubeError {
  return new KubeError(400, "BadRequest", message);
}
