import type { Bundle } from "../bundle.ts";
import type { CompiledData, CompiledEntry, NameIndex } from "../compile-data.ts";
import type { HostEntry } from "../data.ts";
import type { ProposedEntry } from "../entry-opens.ts";
import type { PersonAsked } from "../person-asked.ts";
import type { PolicyFolder } from "../policy-folder.ts";
import { entriesFor, isWithin } from "./considered.ts";
import { coversHost } from "./covering-packs.ts";
import { isSameOperation, type Operation } from "./same-operation.ts";

/** An entry with `effect: ask`. */
export interface AskingEntry extends Operation {
  readonly rule: string;
  readonly ask: HostEntry["ask"];
  /** True if it speaks of more than method and path: it covers such requests by what it read of them. */
  readonly isByReading: boolean;
}

/**
 * Whether a person is asked about what an entry would allow, or stands behind the rule that refused it. Port, scheme and agent do not count: who may do a
 * thing only with a yes is not helped by one who may do it without.
 */
export function personAsked(asking: readonly AskingEntry[], proposed: ProposedEntry, refusedBy: string | null): PersonAsked | null {
  const same = asking.filter((entry) => isSameOperation(entry, proposed));
  const standing = same.find(({ isByReading }) => isByReading);
  if (standing !== undefined) return { kind: "stands", rule: standing.rule, ask: standing.ask };
  const met = same[0] ?? asking.find(({ rule }) => rule === refusedBy);
  return met === undefined ? null : { kind: "carried", rule: met.rule, ask: met.ask };
}

/** Entries of a policy that ask a person about a destination. Of a bundle only what it was compiled to is known: what it reads may be anything. */
export function askingEntries({ folder, bundle }: { readonly folder: PolicyFolder | null; readonly bundle: Pick<Bundle, "data"> }, host: string): AskingEntry[] {
  if (folder === null) return compiledEntries(bundle.data, host).filter(({ effect }) => effect === "ask").map(ofCompiled);
  return entriesFor(folder.data, host).flatMap(({ entry, rule }) => (entry.effect !== "ask" ? [] : [{
    ...entry, rule, ask: entry.ask, isByReading: READS.some((name) => entry[name] !== undefined),
  }]));
}

/** Files of Rego beside the data that leave things to a person. When they do cannot be told from outside: an entry may go past them where their conditions do not hold. */
export function regoThatAsks({ rego }: Pick<PolicyFolder, "rego">): string[] {
  return [...rego].filter(([path, text]) => !path.endsWith("_test.rego") && /^ask\b/m.test(text)).map(([path]) => path);
}

const READS = ["mcp", "llm", "git", "grpc", "graphql", "json"] as const;

function ofCompiled({ rule, ask, handling, ports, methods, path_texts: paths, readings }: CompiledEntry): AskingEntry {
  return { rule, ask, handling, ports, methods, paths, isByReading: readings.length > 0 };
}

/** A bundle of another make has no such data, and then nobody is asked by an entry. */
function compiledEntries(data: object, host: string): CompiledEntry[] {
  const { egress } = data as Partial<CompiledData>;
  if (egress === undefined) return [];
  const at = (index: NameIndex<readonly CompiledEntry[]>[keyof NameIndex<never>], before: string) => (
    Object.entries(index).flatMap(([name, entries]) => (coversHost(`${before}${name}`, host) ? entries : []))
  );
  const { exact, one, many } = egress.hosts;
  return [...at(exact, ""), ...at(one, "*."), ...at(many, "**."), ...egress.addresses.filter(({ cidr }) => isWithin(host, cidr))];
}
