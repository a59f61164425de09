import { EgressError } from "../../errors.ts";
import type { RequestHead } from "../../model/request.ts";
import { AUTH_HEADERS } from "../auth-headers.ts";
import type { Grant } from "../config.ts";
import { dummiesOf } from "../dummies.ts";
import { KEY_FAMILIES, type KeyFamily } from "./key-families.ts";
import { eachRun, tellingRun } from "./key-runs.ts";
import type { LiveSecrets } from "./live-secrets.ts";

/** In every dummy whose shape has room for it (common/dummy-keys.ts). */
const MARK = "WEIRDUMMY";
/** So many characters follow the mark in every dummy that has it; they tell it from all others. */
const TAIL = 7;
const BASIC = /^basic +/i;
const REPLACED: ReadonlySet<string> = new Set(AUTH_HEADERS);

type NamedGrant = { readonly name: string; readonly grant: Grant };

/** Grants, by name: those that are lent to a request, and those that its agent holds and may hear of (null: all). */
export interface Standing {
  readonly lent: readonly string[];
  readonly held: readonly string[] | null;
}

/** What was found, for the record; the agent is told the grant and no more. */
interface Find {
  /** Null: one that the agent does not hold, and shall not hear of. */
  readonly owner: string | null;
  readonly what: string;
}

/**
 * Finds keys that have gone astray: a dummy, something of the shape of a real key, or a secret in use, in a request to which its grant is not lent.
 * All three get the same answer, so that it tells nobody whether a guess was right. Linear in the size of the head.
 */
export class StrayKeys {
  readonly #dummies = new Map<string, readonly string[]>();
  /** Dummies by what follows their mark. */
  readonly #marked = new Map<string, string>();
  /** What grants say themselves that is replaced, by text; it may have characters that end a run. */
  readonly #placeholders = new Map<string, readonly string[]>();
  readonly #families: readonly (KeyFamily & { readonly owners: readonly string[] })[];
  readonly #live: LiveSecrets;

  constructor(grants: readonly NamedGrant[], live: LiveSecrets) {
    this.#live = live;
    const dummies = grants.map(({ name, grant }) => ({ name, runs: runsOf(name, grant) }));
    for (const { name, runs } of dummies) {
      for (const run of runs) {
        this.#dummies.set(run, [...(this.#dummies.get(run) ?? []), name]);
        if (run.includes(MARK)) this.#marked.set(tailOf(run, run.indexOf(MARK)), run);
      }
    }
    for (const { name, grant: { inject } } of grants) {
      if (inject.type !== "placeholder" || inject.placeholder === undefined) continue;
      this.#placeholders.set(inject.placeholder, [...(this.#placeholders.get(inject.placeholder) ?? []), name]);
    }
    this.#families = KEY_FAMILIES.map((family) => ({ ...family, owners: dummies.filter(({ runs }) => runs.some((run) => family.pattern.test(run))).map(({ name }) => name) }))
      .filter(({ owners }) => owners.length > 0);
  }

  /** Known auth fields are not looked at where something is lent: whatever is in them is replaced there. @throws EgressError `credential.misdirected` */
  refuse(head: RequestHead, standing: Standing): void {
    if (this.#dummies.size === 0 && this.#placeholders.size === 0 && this.#live.isEmpty) return;
    for (const [name, value] of head.headers) {
      if (standing.lent.length > 0 && REPLACED.has(name)) continue;
      const place = { where: `field ${name}`, isField: true };
      this.#look(value, place, standing);
      if (BASIC.test(value)) this.#look(Buffer.from(value.replace(BASIC, ""), "base64").toString("latin1"), place, standing);
    }
    this.#look(head.segments.join("/"), { where: "the path", isField: false }, standing);
    if (head.query !== null) this.#look(decoded(head.query), { where: "the query", isField: false }, standing);
  }

  #look(text: string, { where, isField }: { readonly where: string; readonly isField: boolean }, standing: Standing): void {
    eachRun(text, (run) => {
      const find = this.#find(run, isField, standing);
      if (find !== null) throw misdirected(find, where);
    });
    const placeholder = this.#findPlaceholder(text, standing);
    if (placeholder !== null) throw misdirected(placeholder, where);
  }

  /** Grants of the same placeholder share it. Each is looked for by itself, but only those of the agent's own grants: these are few. */
  #findPlaceholder(text: string, standing: Standing): Find | null {
    for (const [placeholder, owners] of this.#placeholders) {
      const find = stray(owners, "a placeholder", standing);
      if (find !== null && text.includes(placeholder)) return find;
    }
    return null;
  }

  #find(run: string, isField: boolean, standing: Standing): Find | null {
    const dummy = this.#dummies.get(run);
    if (dummy !== undefined) return stray(dummy, "a dummy key", standing);
    const live = this.#live.ownersOf(run);
    if (live !== undefined) return stray(live, "a secret in use", standing) ?? unheard(live, standing);
    const family = this.#families.find(({ pattern, isSecret }) => (isSecret || isField) && pattern.test(run));
    if (family !== undefined) return stray(family.owners, "a key of the shape of its own", standing);
    return stray(this.#ownersWithin(run), "a dummy key inside of something else", standing);
  }

  /** A path may have a key between other letters. One look for each mark, however many dummies there are. */
  #ownersWithin(run: string): readonly string[] {
    for (let at = run.indexOf(MARK); at !== -1; at = run.indexOf(MARK, at + MARK.length)) {
      const dummy = this.#marked.get(tailOf(run, at));
      const isWhole = dummy !== undefined && run.startsWith(dummy, at - dummy.indexOf(MARK));
      const owners = isWhole ? this.#dummies.get(dummy) : undefined;
      if (owners !== undefined) return owners;
    }
    return [];
  }
}

function tailOf(run: string, mark: number): string {
  return run.slice(mark + MARK.length, mark + MARK.length + TAIL);
}

/** Of several grants with the same dummy or the same kind of keys, one that is lent is enough. */
function stray(owners: readonly string[], what: string, { lent, held }: Standing): Find | null {
  const heard = held === null ? owners : owners.filter((name) => held.includes(name));
  const [owner] = heard;
  return owner === undefined || heard.some((name) => lent.includes(name)) ? null : { owner, what };
}

/** A secret that another agent is lent: this one should not even have it. */
function unheard(owners: readonly string[], { held }: Standing): Find | null {
  return held !== null && !owners.some((name) => held.includes(name)) ? { owner: null, what: `a secret in use (${owners.join(" or ")})` } : null;
}

/** Worked out once for a grant: boundaries hold thousands, and change often. */
const knownRuns = new WeakMap<Grant, readonly string[]>();

function runsOf(name: string, grant: Grant): readonly string[] {
  let runs = knownRuns.get(grant);
  if (runs === undefined) {
    runs = dummiesOf(name, grant).flatMap((dummy) => tellingRun(dummy) ?? []);
    knownRuns.set(grant, runs);
  }
  return runs;
}

function decoded(query: string): string {
  if (!query.includes("%")) return query;
  try {
    return decodeURIComponent(query);
  } catch {
    // An escape that is none ends a run; those beside it count.
    return query.replace(/%([0-7][0-9A-Fa-f])/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

function misdirected({ owner, what }: Find, where: string): EgressError {
  const whose = owner === null ? "a grant that this agent does not hold" : `grant ${owner}`;
  const reason = `The request carries a key that belongs to ${whose}, or has the shape of one, and the grant is not lent to it.`;
  return new EgressError("credential.misdirected", `${what} of ${whose} in ${where}`, {
    explanation: {
      rule: owner === null ? "grants.not-held" : `grant.${owner}`, reason,
      hint: "Send the request to a destination of the grant, without a key, or ask for a policy that lends the grant here.",
    },
  });
}
