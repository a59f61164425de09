import { RegoObject, RegoSet, writeValue, type RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { integer } from "./operands.ts";

/** Most values that one call makes; more stops the policy. */
const VALUE_LIMIT = 100_000;

export const COLLECTION_BUILTINS: Readonly<Record<string, Builtin>> = {
  "object.subset": (all, part) => isSubset(all, part),
  "graph.reachable_paths": (graph, from) => reachablePaths(graph, from),
  "numbers.range_step": (from, to, step) => rangeStep(large(from), large(to), large(step)),
};

function isSubset(all: RegoValue | undefined, part: RegoValue | undefined): boolean | undefined {
  if (all instanceof RegoObject && part instanceof RegoObject) return hasEntries(all, part);
  if (all instanceof RegoSet && part instanceof RegoSet) return part.members.every((member) => all.has(member));
  if (!Array.isArray(all)) return undefined;
  const list = all as readonly RegoValue[];
  if (Array.isArray(part)) return hasRun(list.map(writeValue), (part as readonly RegoValue[]).map(writeValue));
  if (!(part instanceof RegoSet)) return undefined;
  const present = new RegoSet(list);
  // OPA finds no empty set in an empty list.
  return list.length > 0 && part.members.every((member) => present.has(member));
}

function hasEntries(all: RegoObject, part: RegoObject): boolean {
  return part.entries.every(([key, wanted]) => {
    const value = all.get(key);
    if (value === undefined) return false;
    if (writeValue(value) === writeValue(wanted)) return true;
    const isSameKind = (value instanceof RegoObject && wanted instanceof RegoObject) || (value instanceof RegoSet && wanted instanceof RegoSet) || (Array.isArray(value) && Array.isArray(wanted));
    return isSameKind && isSubset(value, wanted) === true;
  });
}

/** As OPA searches: after a difference it goes on one further from where the run began, plus what was matched. */
function hasRun(all: readonly string[], part: readonly string[]): boolean {
  for (let [from, matched] = [0, 0]; matched < part.length;) {
    if (from + matched >= all.length) return false;
    if (all[from + matched] === part[matched]) matched += 1;
    else [from, matched] = [from + 1, 0];
  }
  return part.length <= all.length;
}

function reachablePaths(graph: RegoValue | undefined, from: RegoValue | undefined): RegoSet | undefined {
  const roots = membersOf(from);
  if (!(graph instanceof RegoObject) || roots === null) return undefined;
  const paths: RegoValue[] = [];
  const follow = (node: RegoValue, path: readonly RegoValue[]): void => {
    if (paths.length > VALUE_LIMIT) throw new Error("graph.reachable_paths: too many paths");
    const edges = graph.get(node);
    if (edges === undefined) return void paths.push(path);
    const longer = [...path, node];
    const next = membersOf(edges) ?? [];
    if (next.length === 0) return void paths.push(longer);
    const seen = new RegoSet(longer);
    for (const neighbour of next) {
      if (seen.has(neighbour)) paths.push(longer);
      else follow(neighbour, longer);
    }
  };
  for (const root of roots) {
    const next = membersOf(graph.get(root)) ?? [];
    if (next.length === 0 && graph.get(root) !== undefined) paths.push([root]);
    // A root that leads to itself is followed once more, as OPA does.
    for (const neighbour of next) follow(neighbour, [root]);
  }
  return new RegoSet(paths);
}

function membersOf(value: RegoValue | undefined): readonly RegoValue[] | null {
  if (value instanceof RegoSet) return value.members;
  return Array.isArray(value) ? value as readonly RegoValue[] : null;
}

/** A whole number however large; null for anything else. */
function large(value: RegoValue | undefined): bigint | null {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : null;
}

function rangeStep(from: bigint | null, to: bigint | null, step: bigint | null): RegoValue | undefined {
  if (from === null || to === null || step === null || step <= 0n) return undefined;
  const signed = from <= to ? step : -step;
  const count = (to - from) / signed + 1n;
  if (count > BigInt(VALUE_LIMIT)) throw new Error("numbers.range_step: too many numbers");
  return Array.from({ length: Number(count) }, (_, index) => integer(from + signed * BigInt(index)));
}
