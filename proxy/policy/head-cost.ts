import type { PolicyAgent, PolicyInput } from "./policy-engine.ts";

/**
 * What a decision of the library by a head may take in the thread of everybody, by its estimate, in microseconds. Estimates are rather too high; the aim is
 * that nobody waits 5 ms.
 */
const LIMIT_US = 2_000;
/** What entries cost that may speak of a head, each value that is in them. Measured with the library's WebAssembly. */
const VALUE_US = 0.2;
/** A pattern with asterisks beside letters: a regular expression that is compiled once, and compared with {@link SEGMENTS_LENGTH} characters. */
const PATTERN_US = 40;
const PATTERN_CHARACTER_US = 0.5;
/** An address range: each is compared with an address. */
const RANGE_US = 5;

/** Segments of a path, characters in them, and names in a query: more of them may take long with any policy. */
const SEGMENTS = 64;
const SEGMENTS_LENGTH = 512;
const QUERY_NAMES = 64;

/** Lists of regular expressions in compiled entries (compile-data.ts, compile-values.ts). */
const PATTERN_KEYS: ReadonlySet<string> = new Set(["like", "patterns"]);
/** Of a body, which is never judged there. */
const BODY_KEYS: ReadonlySet<string> = new Set(["mcp", "llm", "graphql", "json"]);

type Json = Readonly<Record<string, unknown>>;

/** True if the library may take long for this input, with the data that it was made for. */
export type MayTakeLong = (input: PolicyInput) => boolean;

/**
 * Estimates once what each agent's entries cost, so that it is known of a question before it is asked: what was read of bodies, heads of unusual size, and
 * heads of agents with many entries or patterns for one host may take long. @param data of the library's bundle, in whatever shape
 */
export function headCost(data: object): MayTakeLong {
  const egress = objectOf(objectOf(data)["egress"]);
  const cluster = objectOf(egress["cluster"]);
  const policies = objectOf(cluster["policies"]);
  const everybody = costOfEntries(egress);
  if (everybody > LIMIT_US) return () => true;
  const costOfPolicy = new Map(Object.entries(policies).map(([id, entries]) => [id, costOfEntries(objectOf(entries))]));
  const dear = new Set<string>();
  for (const [namespace, agents] of Object.entries(objectOf(cluster["holders"]))) {
    for (const [name, held] of Object.entries(objectOf(agents))) {
      if (listOf(held).reduce((sum: number, id) => sum + (costOfPolicy.get(String(id)) ?? 0), everybody) > LIMIT_US) dear.add(keyOf({ namespace, name }));
    }
  }
  return (input) => input.read !== undefined || isUnusual(input) || dear.has(keyOf(input.agent));
}

function isUnusual({ request }: PolicyInput): boolean {
  if (request === undefined) return false;
  let length = 0;
  for (const segment of request.path) length += segment.length;
  return length > SEGMENTS_LENGTH || request.path.length > SEGMENTS || Object.keys(request.query).length > QUERY_NAMES;
}

function keyOf({ namespace, name }: Pick<PolicyAgent, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

/** Of the host for which they are dearest, and of all ranges. */
function costOfEntries(entries: Json): number {
  const { exact, one, many } = objectOf(entries["hosts"]);
  const dearest = (named: unknown) => Object.values(objectOf(named)).reduce((most: number, listed) => Math.max(most, costOf(listed)), 0);
  const ranges = listOf(entries["addresses"]);
  return dearest(exact) + dearest(one) + dearestAbove(objectOf(many)) + costOf(ranges) + ranges.length * RANGE_US;
}

/** Of names that hold for all below them: of a host there are as many as it has labels. */
function dearestAbove(named: Json): number {
  const costs = new Map(Object.entries(named).map(([name, listed]) => [name, costOf(listed)]));
  let most = 0;
  for (const name of costs.keys()) {
    const labels = name === "" ? [] : name.split(".");
    const above = labels.map((_, at) => labels.slice(at).join("."));
    most = Math.max(most, [...above, ""].reduce((sum, each) => sum + (costs.get(each) ?? 0), 0));
  }
  return most;
}

function costOf(entries: unknown): number {
  let cost = 0;
  const waiting: { readonly value: unknown; readonly isPattern: boolean; readonly times: number }[] = [{ value: entries, isPattern: false, times: 1 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, isPattern, times } = next;
    cost += times * (isPattern && typeof value === "string" ? PATTERN_US + value.length * PATTERN_CHARACTER_US : VALUE_US);
    if (Array.isArray(value)) {
      for (const inside of value) waiting.push({ value: inside, isPattern, times });
      continue;
    }
    const entry = objectOf(value);
    for (const [key, inside] of Object.entries(entry)) {
      // Any beginning of a path may be the repository that a deny means (git.rego).
      if (!BODY_KEYS.has(key)) waiting.push({ value: inside, isPattern: PATTERN_KEYS.has(key), times: key === "git" && entry["effect"] === "deny" ? SEGMENTS : times });
    }
  }
  return cost;
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Json : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
