import { isIP } from "node:net";
import { policyData } from "../data.ts";
import { opensOf, type ProposedEntry } from "../entry-opens.ts";
import { withPerson, type PersonAsked } from "../person-asked.ts";
import { readingNeed } from "../reading-need.ts";
import { FINAL_RULES } from "../smallest-entry.ts";
import { askingEntries, personAsked, type AskingEntry } from "./asking-entries.ts";
import type { ReadPolicy } from "./candidate.ts";
import { generalisePath } from "./generalise-path.ts";
import { mergeEntries } from "./merge-entries.ts";
import type { PastDecision, Replayed } from "./past-decision.ts";
import { Counts } from "./replay-totals.ts";

/** One entry that is proposed, and what speaks for it and against it. */
export interface Suggestion {
  /** `hosts` or `addresses` of `data.yaml`, with this one entry. */
  readonly section: "hosts" | "addresses";
  readonly entry: Readonly<Record<string, unknown>>;
  /** Denials that it comes from, when the first and the last was, and one of them. */
  readonly denials: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly example: PastDecision;
  /** The rule under which a person is asked, where one is: then the entry asks too. */
  readonly asks: string | null;
  /** Found by asking: how many of its denials it would allow, or leave to the person, and how many others. */
  readonly allows: number;
  /** Further ones that it would allow as far as their records say: what is not recorded may speak against it. */
  readonly perhaps: number;
  readonly alsoAllows: number;
  readonly alsoExample: string | null;
  /** All that it opens beyond what was asked for, in words: told from the entry itself. */
  readonly opens: readonly string[];
}

/** Different wishes that are kept; a flood of different denials is only counted beyond. */
const WISHES_LIMIT = 5_000;

/** Denials that one and the same entry would cover. */
interface Wish {
  /** Null where no entry can say it. */
  readonly entry: ProposedEntry | null;
  readonly asks: string | null;
  readonly example: PastDecision;
  denials: number;
  firstMs: number;
  lastMs: number;
}

/** An entry, and what became of denials under it. */
interface Proposal {
  readonly rule: string;
  readonly entry: ProposedEntry;
  readonly wishes: ReadonlySet<Wish>;
  readonly example: PastDecision;
  readonly asks: string | null;
  allows: number;
  perhaps: number;
  alsoAllows: number;
  alsoExample: string | null;
}

/**
 * Turns denials into entries: each denial into the one that covers it and as little else as can be written, then those together that say no more together
 * than apart. Denials that no entry may overrule are counted, never worked around; neither is a person whom an entry asks.
 * First all denials are added, then all are tried on the policy with {@link proposed}, then the suggestions are read.
 */
export class Suggestions {
  readonly #wishes = new Map<string, Wish>();
  readonly #final = new Counts();
  readonly #standing = new Counts();
  readonly #refused = new Counts();
  readonly #policy: Pick<ReadPolicy, "folder" | "bundle">;
  readonly #asking = new Map<string, readonly AskingEntry[]>();
  #proposals: readonly Proposal[] | null = null;
  #dropped = 0;

  /** @param policy the one that entries are proposed for */
  constructor(policy: Pick<ReadPolicy, "folder" | "bundle">) {
    this.#policy = policy;
  }

  add(past: PastDecision): void {
    if (past.verdict === "ask") return this.#refused.add(past.rule);
    if (past.verdict !== "deny") return;
    if (FINAL_RULES.has(past.rule)) return this.#final.add(past.rule);
    const { entry, asked } = this.#entryOf(past);
    if (asked?.kind === "stands") return this.#standing.add(asked.rule);
    const key = keyOf(past, entry);
    const known = this.#wishes.get(key);
    if (known === undefined && this.#wishes.size >= WISHES_LIMIT) {
      this.#dropped += 1;
      return;
    }
    const wish = known ?? { entry, asks: asked?.rule ?? null, example: past, denials: 0, firstMs: past.timeMs, lastMs: past.timeMs };
    wish.denials += 1;
    wish.firstMs = Math.min(wish.firstMs, past.timeMs);
    wish.lastMs = Math.max(wish.lastMs, past.timeMs);
    this.#wishes.set(key, wish);
    this.#proposals = null;
  }

  /** All entries at once, each under a rule of its own by which its effect is told. */
  proposed(): { readonly hosts: readonly object[]; readonly addresses: readonly object[] } {
    const of = (section: Suggestion["section"]) => this.#all().filter(({ example }) => sectionOf(example) === section).map(({ entry, rule }) => ({ ...entry, rule }));
    return { hosts: of("hosts"), addresses: of("addresses") };
  }

  /** Takes down what became of a denial under the policy with the proposed entries. */
  tried({ past, verdict, rule, doubts }: Replayed): void {
    if (past.verdict !== "deny" || (verdict !== "allow" && verdict !== "ask")) return;
    const own = this.#wishes.get(keyOf(past, this.#entryOf(past).entry));
    for (const proposal of this.#all()) {
      // A name resolves by any entry of its host, and the answer names none of them.
      const isByIt = past.question === "name" && verdict === "allow" ? isSameDestination(past, proposal.example) : proposal.rule === rule;
      const isOwn = (own !== undefined && proposal.wishes.has(own)) || (past.question !== "exchange" && isSameDestination(past, proposal.example));
      if (isByIt) count(proposal, past, isOwn ? (doubts.length === 0 ? "allows" : "perhaps") : "alsoAllows");
    }
  }

  list(): Suggestion[] {
    return this.#all().map(suggestionOf).toSorted((left, right) => right.denials - left.denials);
  }

  /** Rules whose denials are never suggested around, and how often they refused. */
  get final(): Readonly<Record<string, number>> {
    return this.#final.sorted();
  }

  /** Rules of entries that ask a person about the very thing, under conditions that did not hold, and how often that was: only a change of them helps. */
  get standing(): Readonly<Record<string, number>> {
    return this.#standing.sorted();
  }

  /** Rules by which a person was asked who said no, or nothing, and how often. */
  get refusedByPeople(): Readonly<Record<string, number>> {
    return this.#refused.sorted();
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The entry that covers one denial, as far as none is proposed past a person. */
  #entryOf(past: PastDecision): { readonly entry: ProposedEntry | null; readonly asked: PersonAsked | null } {
    const entry = entryFor(past);
    const asking = this.#asking.get(past.host) ?? askingEntries(this.#policy, past.host);
    if (this.#asking.size < WISHES_LIMIT) this.#asking.set(past.host, asking);
    const asked = entry === null ? null : personAsked(asking, entry, past.rule);
    return { entry: entry === null ? null : withPerson(entry, asked), asked };
  }

  #all(): readonly Proposal[] {
    this.#proposals ??= proposalsOf([...this.#wishes.values()]);
    return this.#proposals;
  }
}

function proposalsOf(wishes: readonly Wish[]): Proposal[] {
  const wanted = usefulOf(wishes).flatMap((wish) => (wish.entry === null ? [] : [{ entry: wish.entry, wishes: [wish] }]));
  return mergeEntries(wanted).map(({ entry, wishes: merged }, index) => ({
    rule: `suggested.${index + 1}`, entry, wishes: new Set(merged), example: (merged[0] as Wish).example, asks: (merged[0] as Wish).asks, allows: 0, perhaps: 0, alsoAllows: 0, alsoExample: null,
  }));
}

/** A name that was only resolved says nothing where more is known of the same host. */
function usefulOf(wishes: readonly Wish[]): Wish[] {
  const known = new Set(wishes.filter(({ example }) => example.question !== "name").map(({ example }) => destinationOf(example)));
  return wishes.filter(({ example }) => example.question !== "name" || !known.has(destinationOf(example)));
}

function count(proposal: Proposal, { id }: PastDecision, kind: "allows" | "perhaps" | "alsoAllows"): void {
  proposal[kind] += 1;
  if (kind === "alsoAllows") proposal.alsoExample ??= id;
}

function suggestionOf({ entry, wishes, example, asks, allows, perhaps, alsoAllows, alsoExample }: Proposal): Suggestion {
  const all = [...wishes];
  return {
    section: sectionOf(example), entry, example, asks, allows, perhaps, alsoAllows, alsoExample, opens: opensOf(entry),
    denials: all.reduce((sum, { denials }) => sum + denials, 0), firstMs: Math.min(...all.map(({ firstMs }) => firstMs)), lastMs: Math.max(...all.map(({ lastMs }) => lastMs)),
  };
}

function keyOf(past: PastDecision, entry: ProposedEntry | null): string {
  return JSON.stringify([past.question === "name", destinationOf(past), entry ?? past.subject]);
}

function destinationOf({ agent, host }: PastDecision): string {
  return `${agent} ${host}`;
}

function isSameDestination(some: PastDecision, other: PastDecision): boolean {
  return destinationOf(some) === destinationOf(other);
}

function sectionOf({ host }: PastDecision): Suggestion["section"] {
  return isIP(host) === 0 ? "hosts" : "addresses";
}

/** The entry that covers one denial and as little else as can be written; identifiers in its path are `*`. Null where data cannot say it. */
function entryFor(past: PastDecision): ProposedEntry | null {
  const entry = writtenFor(past);
  return entry !== null && policyData.safeParse({ [sectionOf(past)]: [entry] }).success ? entry : null;
}

function writtenFor(past: PastDecision): ProposedEntry | null {
  const { host, agent, input, question } = past;
  const { connection, request } = input ?? {};
  if (input === null || connection?.wire === "postgres" || (question === "exchange" && request === undefined)) return null;
  const port = connection?.port ?? 443;
  const place = sectionOf(past) === "hosts" ? { name: host, ...(port === 443 ? {} : { ports: [port] }) } : { cidr: `${host}/${isIP(host) === 6 ? 128 : 32}`, ports: [port] };
  if (connection?.wire === "opaque") return { ...place, agents: [agent], handling: "tunnel" };
  const plain = (request?.scheme ?? (connection?.wire === "http" ? "http" : "https")) === "http" ? { schemes: ["http"] } : {};
  const wanted = request === undefined ? {} : requestEntry(past);
  return wanted === null ? null : { ...place, agents: [agent], ...plain, ...wanted };
}

function requestEntry({ input, redacted }: PastDecision): ProposedEntry | null {
  const need = readingNeed(input ?? {}, redacted.map(({ text }) => text));
  if (need === null || input?.request === undefined) return null;
  const { method, path, upgrade } = input.request;
  // Of Git, every operation is a GET and a POST below the repository; of gRPC the path is the method.
  if (input.git !== undefined) return { methods: ["GET", "POST"], ...need };
  const written = input.grpc === undefined ? generalisePath(path) : null;
  return { methods: [method], ...(written === null ? {} : { paths: [written] }), ...(upgrade === "websocket" ? { websocket: true } : {}), ...need };
}
