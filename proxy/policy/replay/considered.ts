import { isIP } from "node:net";
import { systemClock } from "../../../common/clock.ts";
import { readDecision } from "../answer.ts";
import { askAgain, type Asker } from "../ask-again.ts";
import { networksContain } from "../builtins/networks.ts";
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
  const named = entriesFor(data, host).slice(0, ENTRIES_LIMIT);
  const module = await WebAssembly.compile((await readDefaultBundle()).wasm);
  const found: Considered[] = [];
  for (const { key, entry, rule } of named) {
    const alone = compileData(policyData.parse({ [key]: [{ ...entry, rule }] }));
    found.push(await askEntry(new WasmPolicy({ module, data: JSON.stringify(alone) }, { limits: LIMITS, clock: systemClock }), { rule, question, input }));
  }
  return found;
}

/** An entry with the rule that refusals name. */
export type Named = { readonly rule: string } & ({ readonly key: "hosts"; readonly entry: HostEntry } | { readonly key: "addresses"; readonly entry: AddressEntry });

/** Entries that speak of a host, or of an address, in order of the data. */
export function entriesFor(data: Pick<PolicyData, "hosts" | "addresses">, host: string): Named[] {
  return withRules(data).filter((one) => speaksOf(one, host));
}

/** Every entry with the rule that the compiler would give it: `hosts.NAME`, from the second on with a number. */
function withRules({ hosts, addresses }: Pick<PolicyData, "hosts" | "addresses">): Named[] {
  const seen = new Map<string, number>();
  const ruleOf = (base: string): string => {
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    return count === 1 ? base : `${base}#${count}`;
  };
  return [
    ...hosts.map((entry) => ({ key: "hosts" as const, entry, rule: ruledBy(entry.rule, ruleOf(`hosts.${entry.name}`)) })),
    ...addresses.map((entry) => ({ key: "addresses" as const, entry, rule: ruledBy(entry.rule, ruleOf(`addresses.${entry.cidr}`)) })),
  ];
}

function ruledBy(own: string | undefined, fallback: string): string {
  return own ?? fallback;
}

function speaksOf(named: Named, host: string): boolean {
  return named.key === "addresses" ? isWithin(host, named.entry.cidr) : coversHost(named.entry.name, host);
}

/** Whether it is an address, and one of the range. */
export function isWithin(host: string, cidr: string): boolean {
  return isIP(host) !== 0 && networksContain(cidr, host) === true;
}

async function askEntry(policy: WasmPolicy, { rule, question, input }: { readonly rule: string; readonly question: Question; readonly input: PolicyInput }): Promise<Considered> {
  const asker: Asker = { decide: async (what, about) => readDecision(what, await policy.evaluate(what, about), "") };
  const answer = await askAgain(asker, question, input, new AbortController().signal);
  if (answer.kind === "undecided") return { rule, kind: "undecided", reason: answer.reason };
  return { rule, kind: answer.kind, reason: answer.kind === "deny" || answer.kind === "ask" ? answer.reason : "" };
}
