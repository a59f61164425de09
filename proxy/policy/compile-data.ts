import type { Handling } from "../model/decision.ts";
import { compileReadings, methodsOfReadings, type CompiledReadings } from "./compile-readings.ts";
import type { AddressEntry, HostEntry, PolicyData } from "./data.ts";
import { parseAgentPattern, parseCidr, parseHostPattern, parsePathPattern, parseRefusedPath, type AgentPattern, type HostPattern, type PathPattern } from "./patterns.ts";

/** One entry as the Rego library reads it: no defaults left, no pattern left to parse. Lists are compared by membership. */
export interface CompiledEntry extends CompiledReadings {
  /** Position in `data.yaml`: the first that allows wins. */
  readonly order: number;
  readonly rule: string;
  readonly effect: "allow" | "deny" | "ask";
  readonly agents: readonly AgentPattern[];
  /** Empty only for a deny, and then every port. */
  readonly ports: readonly number[];
  readonly schemes: readonly string[];
  readonly handling: Handling;
  /** Only with handling postgres; `*` is every one. */
  readonly databases?: readonly string[];
  readonly users?: readonly string[];
  readonly methods: readonly string[];
  readonly paths: readonly PathPattern[];
  /** The paths as the user wrote them, for hints. */
  readonly path_texts: readonly string[];
  /** True if every request is meant, whatever it says: then a deny speaks of the connection too. */
  readonly whole: boolean;
  readonly websocket: boolean;
  readonly grants: readonly string[];
  readonly budgets: readonly string[];
  readonly obligations: Readonly<Record<string, number | string>>;
  /** Only for an ask, in the words of the answer. */
  readonly ask?: HostEntry["ask"];
  readonly reason: string;
  readonly hint: string;
}

/** Names by what they cover; looked up by the name, its parent, or each name above it. */
export interface NameIndex<T> {
  readonly exact: Readonly<Record<string, T>>;
  readonly one: Readonly<Record<string, T>>;
  readonly many: Readonly<Record<string, T>>;
}

export interface CompiledEntries {
  readonly hosts: NameIndex<readonly CompiledEntry[]>;
  readonly addresses: readonly (CompiledEntry & { readonly cidr: string })[];
}

/** The base documents of a bundle: `data.egress` and `data.custom`. */
export interface CompiledData {
  readonly egress: CompiledEntries & { readonly hidden: NameIndex<true> };
  readonly custom: Readonly<Record<string, unknown>>;
}

/**
 * Turns checked data into the index that the library reads. Pure; the same data gives the same bytes of JSON.
 * @throws Error if packs are not expanded yet: left out, what they deny would be allowed
 */
export function compileData(data: PolicyData): CompiledData {
  if (data.packs.length > 0) throw new Error("the packs of the data are not expanded");
  return {
    egress: { ...compileEntries(data), hidden: indexNames(data.names.hide.map((pattern) => [parseHostPattern(pattern), true as const])) },
    custom: data.custom,
  };
}

/** The entries alone. @param rulePrefix what the ids of entries without `rule` begin with */
export function compileEntries(data: Pick<PolicyData, "hosts" | "addresses">, rulePrefix = ""): CompiledEntries {
  const seen = new Map<string, number>();
  return {
    hosts: indexEntries(data.hosts.map((entry, order) => [parseHostPattern(entry.name), compileEntry(entry, order, defaultRule(`${rulePrefix}hosts.${entry.name}`, seen))])),
    addresses: data.addresses.map((entry, order) => {
      const cidr = parseCidr(entry.cidr);
      return { cidr, ...compileEntry(entry, order, defaultRule(`${rulePrefix}addresses.${cidr}`, seen)) };
    }),
  };
}

/** The longest id that a policy may answer (answer.ts), but for the number at its end. A tenant's policy name and a long host are more. */
const DEFAULT_RULE_LIMIT = 190;

/** `hosts.api.example.com`, and `#2` on for further entries of the same name, so that each refusal names one entry. */
function defaultRule(name: string, seen: Map<string, number>): string {
  const base = name.slice(0, DEFAULT_RULE_LIMIT);
  const count = (seen.get(base) ?? 0) + 1;
  seen.set(base, count);
  return count === 1 ? base : `${base}#${count}`;
}

function compileEntry(entry: HostEntry | AddressEntry, order: number, fallbackRule: string): CompiledEntry {
  const denies = entry.effect === "deny";
  const methods = entry.methods ?? (denies ? ["*"] : methodsOfReadings(entry) ?? ["GET", "HEAD"]);
  const paths = entry.paths ?? ["/**"];
  const readings = compileReadings(entry);
  return {
    order,
    rule: entry.rule ?? fallbackRule,
    effect: entry.effect,
    agents: entry.agents.map(parseAgentPattern),
    ports: entry.ports ?? (denies ? [] : [443]),
    schemes: entry.schemes ?? ["https"],
    handling: entry.handling ?? "intercept",
    ...(entry.handling === "postgres" ? { databases: entry.databases ?? [], users: entry.users ?? ["*"] } : {}),
    methods,
    paths: paths.map(denies ? parseRefusedPath : parsePathPattern),
    path_texts: paths,
    whole: methods.includes("*") && paths.includes("/**") && readings.readings.length === 0,
    websocket: entry.websocket ?? false,
    grants: entry.grants ?? [],
    budgets: entry.budgets ?? [],
    obligations: obligationsOf(entry),
    ...readings,
    ...(entry.ask === undefined ? {} : { ask: entry.ask }),
    reason: entry.reason ?? "the policy refuses this",
    hint: entry.hint ?? "an entry with `effect: deny` refuses it; no other entry can allow it",
  };
}

function obligationsOf(entry: HostEntry | AddressEntry): CompiledEntry["obligations"] {
  return {
    ...(entry.max_request_bytes === undefined ? {} : { max_request_bytes: entry.max_request_bytes }),
    ...(entry.max_response_bytes === undefined ? {} : { max_response_bytes: entry.max_response_bytes }),
    ...(entry.max_output_tokens === undefined ? {} : { max_output_tokens: entry.max_output_tokens }),
    ...(entry.when_short === undefined ? {} : { when_short: entry.when_short }),
    // Of the stream that an agent opens with GET nothing is read that would say what it is.
    ...(entry.mcp === undefined ? {} : { filter: "mcp" }),
  };
}

function indexEntries(entries: readonly (readonly [HostPattern, CompiledEntry])[]): NameIndex<readonly CompiledEntry[]> {
  const grouped = new Map<string, { pattern: HostPattern; listed: CompiledEntry[] }>();
  for (const [pattern, entry] of entries) {
    const key = `${pattern.depth} ${pattern.name}`;
    const group = grouped.get(key) ?? { pattern, listed: [] };
    group.listed.push(entry);
    grouped.set(key, group);
  }
  return indexNames([...grouped.values()].map(({ pattern, listed }) => [pattern, listed]));
}

/** `Object.fromEntries` defines own properties, so that a label such as `__proto__` is a key like any other. */
function indexNames<T>(pairs: readonly (readonly [HostPattern, T])[]): NameIndex<T> {
  const at = (depth: HostPattern["depth"]) => Object.fromEntries(pairs.filter(([pattern]) => pattern.depth === depth).map(([pattern, value]) => [pattern.name, value]));
  return { exact: at("exact"), one: at("one"), many: at("many") };
}
