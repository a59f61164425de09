import type { KubeObject, ResourceType } from "./kube-api.ts";
import { noAnswer } from "./kube-status.ts";

/** One page of a list. */
export interface ListPage {
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly next: string;
  readonly items: readonly KubeObject[];
}

/**
 * Checks that an answer is an object of the API: it has metadata with a name, and the fields that Weir's programs lean on have their types.
 * `spec` and `status` are for the caller, who knows the kind.
 * @throws KubeError 0 `Malformed`
 */
export function readObject(value: unknown, type: ResourceType, what: string): KubeObject {
  const object = mapping(value, what, "an object");
  const metadata = mapping(object["metadata"], what, "metadata");
  if (typeof metadata["name"] !== "string" || metadata["name"] === "") throw malformed(what, "metadata.name");
  for (const field of ["namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"]) {
    if (metadata[field] !== undefined && metadata[field] !== null && typeof metadata[field] !== "string") throw malformed(what, `metadata.${field}`);
  }
  for (const field of ["labels", "annotations"]) {
    const texts = metadata[field] === undefined || metadata[field] === null ? {} : mapping(metadata[field], what, `metadata.${field}`);
    if (!Object.values(texts).every((text) => typeof text === "string")) throw malformed(what, `metadata.${field}`);
  }
  return { apiVersion: apiVersionOf(type), kind: type.kind, ...object, metadata: withoutNulls(metadata) } as unknown as KubeObject;
}

/** @throws KubeError 0 `Malformed` */
export function readPage(value: unknown, type: ResourceType, what: string): ListPage {
  const page = mapping(value, what, "a list");
  const metadata = mapping(page["metadata"], what, "metadata");
  const { resourceVersion, continue: next = "" } = metadata as { resourceVersion?: unknown; continue?: unknown };
  if (typeof resourceVersion !== "string" || resourceVersion === "") throw malformed(what, "metadata.resourceVersion");
  if (typeof next !== "string") throw malformed(what, "metadata.continue");
  // A list without items is `null` from some aggregated servers.
  const items: unknown = page["items"] ?? [];
  if (!Array.isArray(items)) throw malformed(what, "items");
  return { resourceVersion, next, items: items.map((item) => readObject(item, type, what)) };
}

export function apiVersionOf(type: ResourceType): string {
  return type.group === "" ? type.version : `${type.group}/${type.version}`;
}

/** `creationTimestamp: null` stands for "none" in what clients of the Go library write. */
function withoutNulls(metadata: Record<string, unknown>): Record<string, unknown> {
  return Object.values(metadata).includes(null) ? Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== null)) : metadata;
}

function mapping(value: unknown, what: string, part: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(what, part);
  return value as Record<string, unknown>;
}

function malformed(what: string, part: string): Error {
  return noAnswer("Malformed", what, `the answer is not what it should be: ${part}`);
}
