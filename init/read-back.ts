import { createHash } from "node:crypto";
import * as z from "zod";
import { TABLE, type Chain, type Rule } from "./rules.ts";

const expression = z.record(z.string(), z.unknown());
const listing = z.object({
  nftables: z.array(z.object({
    chain: z.object({ name: z.string(), type: z.string(), hook: z.string(), prio: z.number(), policy: z.string() }).optional(),
    rule: z.object({ chain: z.string(), comment: z.string().optional(), expr: z.array(expression) }).optional(),
  })).max(1_000),
});
const userMatch = z.object({ match: z.object({ op: z.literal("=="), left: z.object({ meta: z.object({ key: z.literal("skuid") }) }), right: z.number() }) });
type ListedRule = NonNullable<z.output<typeof listing>["nftables"][number]["rule"]>;

/** What the kernel holds, as far as it decides about packets: counters and handles left out. */
export interface LoadedRules {
  /** Differs whenever any rule differs; the same text of rules gives the same value on one version of nft. */
  readonly fingerprint: string;
  /** Packets that each counted rule has met, by `chain: name of the rule`. */
  readonly counters: ReadonlyMap<string, number>;
  /** In which way the kernel's rules are not the planned ones; empty if they are. */
  readonly differences: readonly string[];
}

/**
 * Compares `nft -j list table` with the plan: chains with hook, priority and policy; rules in order, each with its name, whether it has a
 * condition at all, the user it asks for, what it does, and to which port it redirects. Not compared word by word, because each version of nft prints the same rule its own way.
 */
export function readBack(json: string, plan: readonly Chain[]): LoadedRules {
  const entries = listing.parse(JSON.parse(json)).nftables;
  const chains = entries.flatMap(({ chain }) => (chain === undefined ? [] : [chain]));
  const rules = entries.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  const unplanned = chains.filter(({ name }) => !plan.some((chain) => chain.name === name)).map(({ name }) => `chain ${name} is not ours`);
  const differences = plan.flatMap((chain) => {
    const found = chains.find(({ name }) => name === chain.name);
    if (found === undefined) return [`chain ${chain.name} is missing`];
    const wanted = `${chain.type} ${chain.hook} ${chain.priority} ${chain.policy}`;
    const head = `${found.type} ${found.hook} ${found.prio} ${found.policy}`;
    return [...(head === wanted ? [] : [`chain ${chain.name} is "${head}", not "${wanted}"`]), ...compareRules(chain, rules.filter((rule) => rule.chain === chain.name))];
  });
  return { fingerprint: fingerprintOf(chains, rules), counters: countersOf(rules), differences: [...unplanned, ...differences] };
}

function compareRules(chain: Chain, found: readonly ListedRule[]): string[] {
  const wanted = chain.rules.map((rule) => summaryOfPlanned(rule));
  const listed = found.map((rule) => summaryOfListed(rule));
  const count = Math.max(wanted.length, listed.length);
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => wanted[index] !== listed[index])
    .map((index) => `${chain.name}, rule ${index + 1}: "${listed[index] ?? "none"}", not "${wanted[index] ?? "none"}"`);
}

function summaryOfPlanned(rule: Rule): string {
  const [verb = ""] = rule.action.split(" ");
  const verdict = verb === "ct" ? "accept" : verb === "redirect" ? rule.action.replace("to :", "") : verb;
  const uid = rule.match.match(/meta skuid (\d+)/)?.[1];
  return `${rule.name}: ${rule.match === "" ? "always" : "if"}${uid === undefined ? "" : ` uid ${uid}`} ${verdict}`;
}

function summaryOfListed(rule: ListedRule): string {
  const verdict = rule.expr.at(-1) ?? {};
  const [verb = "nothing"] = Object.keys(verdict);
  const port = z.object({ redirect: z.object({ port: z.number() }) }).safeParse(verdict);
  const condition = rule.expr.some((part) => "match" in part) ? "if" : "always";
  const uid = rule.expr.map((part) => userMatch.safeParse(part)).find(({ success }) => success)?.data?.match.right;
  return `${rule.comment ?? "(no name)"}: ${condition}${uid === undefined ? "" : ` uid ${uid}`} ${port.success ? `redirect ${port.data.redirect.port}` : verb}`;
}

function countersOf(rules: readonly ListedRule[]): Map<string, number> {
  const counters = new Map<string, number>();
  for (const rule of rules) {
    for (const part of rule.expr) {
      const counter = z.object({ counter: z.object({ packets: z.number() }) }).safeParse(part);
      if (counter.success) counters.set(`${rule.chain}: ${rule.comment ?? ""}`, counter.data.counter.packets);
    }
  }
  return counters;
}

function fingerprintOf(chains: readonly unknown[], rules: readonly ListedRule[]): string {
  const still = rules.map(({ chain, comment, expr }) => ({ chain, comment, expr: expr.map((part) => ("counter" in part ? "counter" : part)) }));
  return createHash("sha256").update(JSON.stringify([TABLE, chains, still])).digest("hex");
}
