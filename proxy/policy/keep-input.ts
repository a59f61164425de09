import { isParameterName } from "../model/parameter-name.ts";
import type { RecordedInput } from "../model/record.ts";
import { placeText, type Step } from "./places.ts";
import type { PolicyInput } from "./policy-engine.ts";

/** How much of what policy was asked a record keeps; `audit.policyInput` says what each means. */
export const INPUT_LEVELS = ["full", "keys", "none"] as const;
export type InputLevel = (typeof INPUT_LEVELS)[number];

/** Whole input of a record, as JSON in UTF-8. */
const INPUT_LIMIT_BYTES = 8_192;
/** Longest text that is kept of what an agent says in a body, in UTF-16 units; of longer ones the beginning. */
const TEXT_LIMIT = 256;
/** Places that are named one by one, all kinds together; beyond, the kind as a whole is named. */
const PLACES_LIMIT = 64;
const PLACE_LENGTH_LIMIT = 200;
const DEPTH_LIMIT = 16;
/** Values that are looked at; a body of more is not kept at all. */
const VALUES_LIMIT = 2_000;

/**
 * Headers whose values say how a client speaks, and nothing of whom or what it speaks of. Of all others the name is kept. No name is here by its beginning:
 * `mcp-param-*` repeats arguments, `mcp-session-id` opens a session, and what is yet to come may be either.
 */
const KEPT_HEADERS = new Set([
  "accept", "accept-encoding", "accept-language", "anthropic-beta", "anthropic-version", "cache-control", "connection", "content-encoding", "content-length",
  "content-type", "expect", "git-protocol", "grpc-encoding", "host", "mcp-method", "mcp-protocol-version", "openai-beta", "priority", "range", "te",
  "transfer-encoding", "upgrade", "user-agent",
]);

/** Takes lent secrets out of a text; null where nothing was lent. */
export type Scrub = ((text: string) => string) | null;

/**
 * What a record keeps of a policy input, so that the decision can be made again. Values of headers that are not known to be harmless, of query parameters,
 * and what stands in the query without a value, never; what a body says in MCP arguments and JSON by level. All that was taken out or shortened is named.
 * @returns undefined at level `none`
 */
export function keepInput(input: PolicyInput, level: InputLevel, scrub: Scrub): RecordedInput | undefined {
  if (level === "none") return undefined;
  const keeper = new InputKeeper(level, scrub);
  const kept = keeper.keep(input);
  return withinLimit(kept, keeper.redacted);
}

class InputKeeper {
  readonly #level: InputLevel;
  readonly #scrub: Scrub;
  readonly #places = new Map<string, string[]>();
  #seen = 0;

  constructor(level: InputLevel, scrub: Scrub) {
    this.#level = level;
    this.#scrub = scrub;
  }

  get redacted(): readonly string[] {
    const total = [...this.#places.values()].reduce((sum, { length }) => sum + length, 0);
    if (total <= PLACES_LIMIT) return [...this.#places.values()].flat();
    return [...this.#places].flatMap(([root, places]) => (places.length > PLACES_LIMIT / 4 ? [root] : places));
  }

  keep({ request, mcp, json, sql, ...rest }: PolicyInput): Record<string, unknown> {
    const kept: Record<string, unknown> = this.#values(rest, [], Number.POSITIVE_INFINITY) as Record<string, unknown>;
    if (sql !== undefined) kept["sql"] = this.#session(sql);
    if (request !== undefined) kept["request"] = this.#request(request);
    if (mcp !== undefined) kept["mcp"] = this.#message(mcp);
    if (json !== undefined) kept["json"] = this.#said(json, ["json"]);
    return kept;
  }

  #request({ headers, query, path, ...rest }: NonNullable<PolicyInput["request"]>): object {
    for (const [key, values] of Object.entries(query)) this.#redact(isParameterName(key, values) ? ["request", "query", key] : ["request", "query"]);
    const kept: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value.length <= TEXT_LIMIT && KEPT_HEADERS.has(name)) kept[name] = this.#scrub === null ? value : this.#text(value, ["request", "headers", name]);
      else this.#redact(["request", "headers", name]);
    }
    return { ...rest, path: this.#values(path, ["request", "path"], Number.POSITIVE_INFINITY), query: {}, headers: kept };
  }

  #message({ method, tool, prompt, uri, arguments: given, ...rest }: NonNullable<PolicyInput["mcp"]>): object {
    const kept = (value: string | null, key: string) => (value === null ? null : this.#text(value, ["mcp", key], TEXT_LIMIT));
    return { ...rest, method: kept(method, "method"), tool: kept(tool, "tool"), prompt: kept(prompt, "prompt"), uri: this.#resource(uri), arguments: this.#said(given, ["mcp", "arguments"]) };
  }

  /** A resource by its place alone. */
  #resource(uri: string | null): string | null {
    if (uri === null) return null;
    const place = placeOf(uri);
    if (place !== uri) this.#redact(["mcp", "uri"]);
    return this.#text(place, ["mcp", "uri"], TEXT_LIMIT);
  }

  /** Options of a database's session are values that an agent sets. */
  #session({ options, ...rest }: NonNullable<PolicyInput["sql"]>): object {
    if (options !== "") this.#redact(["sql", "options"]);
    return { ...this.#values(rest, ["sql"], Number.POSITIVE_INFINITY) as object, ...(options === "" ? { options } : {}) };
  }

  /** What a body says: all of it up to a length, or only by which names. */
  #said(value: unknown, root: readonly Step[]): unknown {
    if (this.#level === "full") return this.#values(value, root, TEXT_LIMIT);
    if (typeof value !== "object" || value === null) return value === null ? null : this.#without(root);
    if (Array.isArray(value)) return this.#without(root);
    for (const key of Object.keys(value)) this.#redact([...root, key]);
    return {};
  }

  #values(value: unknown, at: readonly Step[], limit: number): unknown {
    // Most of the input is neither shortened nor searched: it is taken as it is.
    if (this.#scrub === null && limit === Number.POSITIVE_INFINITY) return value;
    if (typeof value === "string") return this.#text(value, at, limit);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    this.#seen += entries.length;
    if (at.length > DEPTH_LIMIT || this.#seen > VALUES_LIMIT) return this.#without(at);
    if (Array.isArray(value)) return value.map((item, position) => this.#values(item, [...at, position], limit));
    const named = entries.filter(([key]) => this.#clean(key) === key);
    if (named.length < entries.length) this.#redact(at);
    return Object.fromEntries(named.map(([key, item]) => [key, this.#values(item, [...at, key], limit)]));
  }

  #text(value: string, at: readonly Step[], limit = Number.POSITIVE_INFINITY): string {
    const clean = this.#clean(value);
    if (clean === value && value.length <= limit) return value;
    this.#redact(at);
    return clean.length <= limit ? clean : clean.slice(0, limit);
  }

  #clean(text: string): string {
    return this.#scrub === null ? text : this.#scrub(text);
  }

  #without(at: readonly Step[]): null {
    this.#redact(at);
    return null;
  }

  #redact(at: readonly Step[]): void {
    const root = placeText(at.slice(0, at[0] === "json" ? 1 : 2));
    const place = placeText(at);
    // A name of the agent's may be a secret by mistake, and may be long.
    const named = place.length > PLACE_LENGTH_LIMIT || this.#clean(place) !== place ? root : place;
    const places = this.#places.get(root) ?? [];
    if (places.length <= PLACES_LIMIT && !places.includes(named)) places.push(named);
    this.#places.set(root, places);
  }
}

/** A URI without what stands before an `@`, and without parameters, query and fragment, however they are escaped: there tokens are. Content is no place. */
function placeOf(uri: string): string {
  if (/^data:/i.test(uri)) return "data:";
  const [place = ""] = uri.split(/[?#;\\]|%(?:3f|23|3b|5c)/i, 1);
  const [user = ""] = /^.*(?:@|%40)/is.exec(place) ?? [];
  const [scheme = ""] = user === "" ? [] : /^(?:[a-z][a-z0-9+.-]*:)*(?:\/\/)?/i.exec(place) ?? [];
  return `${scheme}${place.slice(user.length)}`;
}

/** Gives up what is largest by nature first: bodies, then all that was read, then the request. */
function withinLimit(input: Record<string, unknown>, redacted: readonly string[]): RecordedInput {
  if (fits(input)) return { input, redacted };
  const kept = { ...input };
  const named = [...redacted];
  for (const key of ["json", "mcp", "graphql", "llm", "request", "budgets", "agent", "connection", "sql"]) {
    if (fits(kept)) return { input: kept, redacted: named };
    if (kept[key] === undefined) continue;
    delete kept[key];
    named.splice(0, named.length, ...named.filter((place) => !isBelow(place, `input.${key}`)), `input.${key}`);
  }
  return fits(kept) ? { input: kept, redacted: named } : { input: {}, redacted: ["input"] };
}

function isBelow(place: string, root: string): boolean {
  return place === root || place.startsWith(`${root}.`) || place.startsWith(`${root}[`);
}

function fits(input: object): boolean {
  return Buffer.byteLength(JSON.stringify(input)) <= INPUT_LIMIT_BYTES;
}
