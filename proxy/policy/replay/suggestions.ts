import { isIP } from "node:net";
import { FINAL_RULES } from "../smallest-entry.ts";
import { generalisePath } from "./generalise-path.ts";
import type { PastDecision, Replayed } from "./past-decision.ts";
import { Counts } from "./replay-totals.ts";
import { WantedReadings } from "./wanted-readings.ts";

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
  /** Found by asking: how many of its denials it would allow, and how many others. */
  readonly allows: number;
  /** Further ones that it would allow as far as their records say: what is not recorded may speak against it. */
  readonly perhaps: number;
  readonly alsoAllows: number;
  readonly alsoExample: string | null;
  /** What it opens beyond what was asked for, in words. */
  readonly opens: readonly string[];
}

/** Groups that are kept; a flood of different denials is only counted beyond. */
const GROUPS_LIMIT = 1_000;
const PATHS_LIMIT = 50;

/**
 * Turns denials into entries: of one agent to one destination in one protocol each. Denials that no entry may overrule are counted, never worked around.
 * First all denials are added, then all are tried on the policy with {@link proposed}, then the suggestions are read.
 */
export class Suggestions {
  readonly #groups = new Map<string, Group>();
  readonly #final = new Counts();
  #dropped = 0;

  add(past: PastDecision): void {
    if (past.verdict !== "deny") return;
    if (FINAL_RULES.has(past.rule)) return this.#final.add(past.rule);
    const key = keyOf(past);
    const known = this.#groups.get(key);
    if (known === undefined && this.#groups.size >= GROUPS_LIMIT) {
      this.#dropped += 1;
      return;
    }
    const group = known ?? new Group(past, `suggested.${this.#groups.size + 1}`);
    group.add(past);
    this.#groups.set(key, group);
  }

  /** All entries at once, each under a rule of its own by which its effect is told. */
  proposed(): { readonly hosts: readonly object[]; readonly addresses: readonly object[] } {
    const of = (section: Suggestion["section"]) => this.#useful().filter((group) => group.section === section).map((group) => ({ ...group.entry(), rule: group.rule }));
    return { hosts: of("hosts"), addresses: of("addresses") };
  }

  /** Takes down what became of a denial under the policy with the proposed entries. */
  tried({ past, verdict, rule, doubts }: Replayed): void {
    if (past.verdict !== "deny" || verdict !== "allow") return;
    const key = keyOf(past);
    for (const [own, group] of this.#groups) {
      // A name resolves by any entry of its host, and the answer names none of them.
      const isByIt = past.question === "name" ? group.isOf({ example: past }) : group.rule === rule;
      if (isByIt) group.allowed(past, { isOwn: own === key || (past.question !== "exchange" && group.isOf({ example: past })), isCertain: doubts.length === 0 });
    }
  }

  list(): Suggestion[] {
    return this.#useful().map((group) => group.suggestion()).toSorted((left, right) => right.denials - left.denials);
  }

  /** Rules whose denials are never suggested around, and how often they refused. */
  get final(): Readonly<Record<string, number>> {
    return this.#final.sorted();
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** A name that was only resolved says nothing where more is known of the same host. */
  #useful(): Group[] {
    const all = [...this.#groups.values()];
    return all.filter((group) => !group.isUnwritable && (group.question !== "name" || !all.some((other) => other !== group && other.question !== "name" && other.isOf(group))));
  }
}

function keyOf({ agent, host, question, input }: PastDecision): string {
  const { connection, request } = input ?? {};
  if (question === "name") return JSON.stringify([agent, host, "name"]);
  return JSON.stringify([agent, host, connection?.port, request?.scheme ?? connection?.wire, request?.upgrade, WantedReadings.kindOf(input ?? {})]);
}

class Group {
  readonly rule: string;
  readonly question: PastDecision["question"];
  readonly #example: PastDecision;
  readonly #methods = new Set<string>();
  readonly #paths = new Set<string>();
  readonly #readings = new WantedReadings();
  #everyPath = false;
  #isGuess = false;
  #count = 0;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = 0;
  #allows = 0;
  #perhaps = 0;
  #alsoAllows = 0;
  #alsoExample: string | null = null;

  constructor(example: PastDecision, rule: string) {
    this.#example = example;
    this.rule = rule;
    this.question = example.question;
  }

  get section(): Suggestion["section"] {
    return isIP(this.#example.host) === 0 ? "hosts" : "addresses";
  }

  get isUnwritable(): boolean {
    return this.#readings.isUnwritable || this.#example.input === null || this.#example.input.connection?.wire === "postgres";
  }

  isOf({ example }: { readonly example: PastDecision }): boolean {
    return example.agent === this.#example.agent && example.host === this.#example.host;
  }

  get example(): PastDecision {
    return this.#example;
  }

  add({ timeMs, input }: PastDecision): void {
    this.#count += 1;
    this.#firstMs = Math.min(this.#firstMs, timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    this.#isGuess ||= input?.request === undefined;
    if (input?.request === undefined) return;
    this.#methods.add(input.request.method);
    this.#readings.add(input);
    const path = generalisePath(input.request.path);
    if (path === null || (this.#paths.size >= PATHS_LIMIT && !this.#paths.has(path))) this.#everyPath = true;
    else this.#paths.add(path);
  }

  allowed({ id }: PastDecision, { isOwn, isCertain }: { readonly isOwn: boolean; readonly isCertain: boolean }): void {
    if (!isOwn) this.#alsoAllows += 1;
    else if (isCertain) this.#allows += 1;
    else this.#perhaps += 1;
    if (!isOwn) this.#alsoExample ??= id;
  }

  entry(): Record<string, unknown> {
    const { host, agent, input } = this.#example;
    const { connection, request } = input ?? {};
    const port = connection?.port ?? 443;
    const place = this.section === "hosts" ? { name: host, ...(port === 443 ? {} : { ports: [port] }) } : { cidr: `${host}/${isIP(host) === 6 ? 128 : 32}`, ports: [port] };
    if (connection?.wire === "opaque") return { ...place, agents: [agent], handling: "tunnel" };
    const plain = (request?.scheme ?? (connection?.wire === "http" ? "http" : "https")) === "http" ? { schemes: ["http"] } : {};
    return { ...place, agents: [agent], ...plain, ...this.#said(), ...(request?.upgrade === "websocket" ? { websocket: true } : {}), ...this.#readings.entry() };
  }

  suggestion(): Suggestion {
    return {
      section: this.section, entry: this.entry(), denials: this.#count, firstMs: this.#firstMs, lastMs: this.#lastMs, example: this.#example,
      allows: this.#allows, perhaps: this.#perhaps, alsoAllows: this.#alsoAllows, alsoExample: this.#alsoExample, opens: this.#opens(),
    };
  }

  /** Methods and paths; of Git, every operation is a GET and a POST below the repository. */
  #said(): Record<string, unknown> {
    if (this.#example.input?.git !== undefined) return { methods: ["GET", "POST"] };
    const reads = [...this.#methods].every((method) => method === "GET" || method === "HEAD");
    return { ...(reads ? {} : { methods: [...this.#methods].sort() }), ...(this.#everyPath || this.#paths.size === 0 ? {} : { paths: [...this.#paths].sort() }) };
  }

  #opens(): string[] {
    const { connection } = this.#example.input ?? {};
    return [
      ...(connection?.wire === "opaque" ? ["all bytes of the connection, unread"] : []),
      ...(connection?.wire !== "opaque" && this.#isGuess && this.#methods.size === 0 ? ["GET and HEAD of every path: it was refused before it said what it wants; narrow it"] : []),
      ...(this.#everyPath ? ["every path"] : [...this.#paths].some((path) => path.includes("*")) ? ["any segment in the place of each `*`"] : []),
      ...this.#readings.opens(),
    ];
  }
}
