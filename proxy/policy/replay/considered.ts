import { isIP } from "node:net";
import { systemClock } from "../../../common/clock.ts";
import { readDecision } from "../answer.ts";
import { askAgain, type Asker } from "../ask-again.ts";
import { networksContain } from "../builtins/networks.ts";
import { compileData } from "../compile-data.ts";
import { policyData, type AddressEntry, type HostEntry, type PolicyData } from "../data.ts";
import { readDefaultBundle } from "../shipped-files.ts";
import { compileProgram, WasmPolicy } from "../wasm-policy.ts";
import { coversHost } from "./covering-packs.ts";
import type { PastDecision } from "./past-decision.ts";
import { policyReads, type PolicyReads } from "./policy-reads.ts";
import { replayDecision } from "./replay-decision.ts";

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
export async function considered(data: PolicyData, past: PastDecision): Promise<Considered[]> {
  const host = past.input?.connection?.name ?? past.input?.dns?.name ?? "";
  const named = entriesFor(data, host).slice(0, ENTRIES_LIMIT);
  const { wasm } = await readDefaultBundle();
  const { module } = await compileProgram({ wasm, data: {} });
  const found: Considered[] = [];
  for (const { key, entry, rule } of named) {
    const alone = compileData(policyData.parse({ [key]: [{ ...entry, rule }] }));
    const policy = new WasmPolicy({ module, data: JSON.stringify(alone) }, { limits: LIMITS, clock: systemClock });
    found.push(await askEntry(policy, { rule, past, reads: await policyReads({ wasm, data: alone }, null, {}, () => undefined) }));
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

interface Asked {
  readonly rule: string;
  readonly past: PastDecision;
  readonly reads: PolicyReads;
}

/** What the entry says hangs on parts of the request that nobody recorded: then it is not known. */
async function askEntry(policy: WasmPolicy, { rule, past, reads }: Asked): Promise<Considered> {
  if (past.input === null) return { rule, kind: "undecided", reason: "the record has no input" };
  const asker: Asker = { decide: async (what, about) => readDecision(what, await policy.evaluate(what, about), "") };
  // Only the entry is asked: what became of the request then is none of its doubts.
  const { doubts } = await replayDecision({ ...past, verdict: "deny", rule: "" }, asker, reads);
  if (doubts.length > 0) return { rule, kind: "undecided", reason: doubts.join("; ") };
  const answer = await askAgain(asker, past.question, past.input, new AbortController().signal);
  if (answer.kind === "undecided") return { rule, kind: "undecided", reason: answer.reason };
  return { rule, kind: answer.kind, reason: answer.kind === "deny" || answer.kind === "ask" ? answer.reason : "" };
}
