import { createHash, randomBytes } from "node:crypto";
import type { Caller } from "../access/access.ts";

/** Longest name of a Thread made here: its pod's name, which puts five characters before it, is still a DNS label. */
const NAME_LIMIT = 58;
const SUFFIX_LENGTH = 16;

/** Whose keys they are: two callers with the same key mean different things. An instance's belong to its thread, because they outlive the pod. */
export function keyScope(caller: Caller): string {
  if (caller.kind === "person") return `person ${caller.name}`;
  return caller.kind === "node" ? `node ${caller.node}` : `thread ${caller.thread?.uid ?? caller.podUid}`;
}

/** The store's key of a message; null if the caller gave none. */
export function messageKey(scope: string, key: string | null): string | null {
  return key === null ? null : digest([scope, key]);
}

/**
 * The name of a Thread: the same for the same key, so that the API server itself lets only one of many equal requests make it; another for each
 * request without a key.
 */
export function threadNameOf(wish: { readonly namespace: string; readonly agent: string; readonly scope: string; readonly key: string | null }): string {
  const { namespace, agent, scope, key } = wish;
  const suffix = key === null ? randomBytes(SUFFIX_LENGTH / 2).toString("hex") : digest([namespace, agent, scope, key]).slice(0, SUFFIX_LENGTH);
  return `${agent.slice(0, NAME_LIMIT - SUFFIX_LENGTH - 1).replace(/-+$/, "")}-${suffix}`;
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
