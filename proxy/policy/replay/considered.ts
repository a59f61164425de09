import ipaddr from "ipaddr.js";
import { systemClock } from "../../../common/clock.ts";
import { readDecision } from "../answer.ts";
import { askAgain, type Asker } from "../ask-again.ts";
import { compileData } from "../compile-data.ts";
import { policyData, type AddressEntry, type HostEntry, type PolicyData } from "../data.ts";
import type { PolicyInput, Question } from "../policy-engine.ts";
import { readDefaultBundle } from "../shipped-files.ts";
import { WasmPolicy } from "../wasm-policy.ts";
import { coversHost } from "./covering-packs.ts";

/** What one entry of the data says of a request when it is the only one. */
export interface Considered {
  readonly rule: string;
  readonly kind: "allow" | "deny" | "ask" | "undecided";
  /** Why it does not allow; empty where it does. */
  readonly reason: string;
}

/** Entries that are asked; a host with more has them in order of the data. */
const ENTRIES_LIMIT = 32;
const LIMITS = { deadlineMs: 1_000, memoryLimitBytes: 64 << 20 };

/**
 * Asks each entry that speaks of the destination what it would say if it stood alone: which of them fire, which came near, and why those do not cover the
 * request. The library itself answers; Rego beside the data has no part in it.
 */
export async function considered(data: PolicyData, question: Question, input: PolicyInput): Promise<Considered[]> {
  const host = input.connection?.name ?? input.dns?.name ?? "";
  const named = withRules(data).filter((one) => speaksOf(one, host)).slice(0, ENTRIES_LIMIT);
  const module = await WebAssembly.compile((await readDefaultBundle()).wasm);
  const found: Considered[] = [];
  for (const { key, entry } of named) {
    const alone = compileData(policyData.parse({ [key]: [entry] }));
    found.push(await askEntry(new WasmPolicy({ module, data: JSON.stringify(alone) }, { limits: LIMITS, clock: systemClock }), { rule: entry.rule ?? "", question, input }));
  }
  return found;
}

type Named = { readonly key: "hosts"; readonly entry: HostEntry } | { readonly key: "addresses"; readonly entry: AddressEntry };

/** Every entry with the rule that the compiler would give it: `hosts.NAME`, from the second on with a number. */
function withRules({ hosts, addresses }: PolicyData): Named[] {
  const seen = new Map<string, number>();
  const ruleOf = (base: string): string => {
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return count === 1 ? base : `${base}#${count}`;
  };
  return [
    ...hosts.map((entry) => ({ key: "hosts" as const, entry: { ...entry, rule: ruledBy(entry.rule, ruleOf(`hosts.${entry.name}`)) } })),
    ...addresses.map((entry) => ({ key: "addresses" as const, entry: { ...entry, rule: ruledBy(entry.rule, ruleOf(`addresses.${entry.cidr}`)) } })),
  ];
}

function ruledBy(own: string | undefined, fallback: string): string {
  return own ?? fallback;
}

function speaksOf(named: Named, host: string): boolean {
  if (named.key === "addresses") return ipaddr.isValid(host) && isWithin(host, named.entry.cidr);
  return coversHost(named.entry.name, host);
}

function isWithin(address: string, cidr: string): boolean {
  const range = ipaddr.parseCIDR(cidr);
  const parsed = ipaddr.parse(address);
  return parsed.kind() === range[0].kind() && parsed.match(range);
}

async function askEntry(policy: WasmPolicy, { rule, question, input }: { readonly rule: string; readonly question: Question; readonly input: PolicyInput }): Promise<Considered> {
  const asker: Asker = { decide: async (what, about) => readDecision(what, await policy.evaluate(what, about), "") };
  const answer = await askAgain(asker, question, input, new AbortController().signal);
  if (answer.kind === "undecided") return { rule, kind: "undecided", reason: answer.reason };
  return { rule, kind: answer.kind, reason: answer.kind === "deny" || answer.kind === "ask" ? answer.reason : "" };
}
