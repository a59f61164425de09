import { READINGS, type ReadingName } from "../model/readings.ts";
import { EVERY_TEXT, NO_TEXT, compileGlobs, compileValueRule, type CompiledGlobs, type CompiledValueRule } from "./compile-values.ts";
import type { HostEntry } from "./data.ts";
import type { ValueRule } from "./data-readings.ts";

/** What an entry says of a request beyond method and path, as the Rego library reads it. */
export interface CompiledReadings {
  /** Which of the keys below are there: all of them must hold. */
  readonly readings: readonly EntryReading[];
  /** Largest body that is read for this entry, in bytes; only where it reads one. */
  readonly max_read_bytes?: number;
  readonly mcp?: CompiledMcp;
  readonly llm?: { readonly models: CompiledGlobs; readonly tools?: CompiledGlobs; readonly streams: readonly boolean[]; readonly texts: Texts };
  readonly git?: { readonly writes: readonly boolean[]; readonly repositories: CompiledGlobs; readonly texts: Texts };
  readonly grpc?: { readonly methods: readonly string[]; readonly services: readonly string[]; readonly texts: Texts };
  readonly graphql?: { readonly types: readonly string[]; readonly names?: CompiledGlobs; readonly fields?: CompiledGlobs; readonly texts: Texts };
  readonly json?: readonly CompiledValueRule[];
}

type EntryReading = ReadingName | "git" | "grpc";
/** What the user wrote, for refusals: what is allowed, by what it is. */
type Texts = Readonly<Record<string, string>>;

interface CompiledMcp {
  /** A deny that names nothing in particular: every message. */
  readonly everything: boolean;
  /** What every client needs to begin, and to stay: never for a deny. A person is not asked about it. */
  readonly opening: CompiledGlobs;
  /** Streams and ends of sessions (GET, DELETE), answers to a server, `ping` and notifications of a server. */
  readonly sessions: boolean;
  readonly methods: CompiledGlobs;
  readonly tools: { readonly named: Readonly<Record<string, readonly CompiledTool[]>>; readonly like: readonly CompiledTool[] };
  readonly resources: CompiledGlobs;
  readonly prompts: CompiledGlobs;
  readonly from_server: CompiledGlobs;
  readonly texts: Texts;
}

interface CompiledTool {
  readonly name: CompiledGlobs;
  readonly arguments: readonly CompiledValueRule[];
  /** Which keys the arguments may have, level by level; null if any. */
  readonly only: readonly { readonly at: CompiledValueRule["path"]; readonly keys: readonly string[] }[] | null;
}

const DEFAULT_READ_BYTES = 131_072;
const LLM_READ_BYTES = 16 << 20;
const TEXT_LENGTH = 500;

/** What every client of MCP needs before it can do anything (lifecycle of the revisions up to 2025-11-25, discovery of 2026-07-28). */
const OPENING = ["initialize", "notifications/*", "ping", "server/discover", "subscriptions/listen", "completion/complete", "logging/setLevel"];
const LISTS = { tools: ["tools/list"], resources: ["resources/list", "resources/templates/list"], prompts: ["prompts/list"] } as const;

/** Methods by which requests of a kind travel. A deny is of whatever could carry them (readings.rego). */
const METHODS = { mcp: ["GET", "POST", "DELETE"], git: ["GET", "POST"], llm: ["POST"], grpc: ["POST"], json: ["POST"], graphql: ["GET", "POST"] } as const;

type ReadingKeys = Pick<HostEntry, "effect" | "mcp" | "llm" | "git" | "grpc" | "graphql" | "json" | "max_read_bytes">;

/** Methods of an allow or ask that names none; undefined if it has no reading. Those that all of its readings travel by. */
export function methodsOfReadings(entry: ReadingKeys): readonly string[] | undefined {
  const [first, ...others] = readingsOf(entry).map((name): readonly string[] => METHODS[name]);
  return first?.filter((method) => others.every((methods) => methods.includes(method)));
}

function readingsOf(entry: ReadingKeys): EntryReading[] {
  return (["git", "grpc", ...READINGS] as const).filter((name) => entry[name] !== undefined);
}

export function compileReadings(entry: ReadingKeys): CompiledReadings {
  const readings = readingsOf(entry);
  const reads = READINGS.some((name) => readings.includes(name));
  return {
    readings,
    ...(reads ? { max_read_bytes: entry.max_read_bytes ?? (entry.llm === undefined ? DEFAULT_READ_BYTES : LLM_READ_BYTES) } : {}),
    ...(entry.mcp === undefined ? {} : { mcp: compileMcp(entry.mcp, entry.effect === "deny") }),
    ...(entry.llm === undefined ? {} : { llm: compileLlm(entry.llm, entry.effect === "deny") }),
    ...(entry.git === undefined ? {} : { git: compileGit(entry.git, entry.effect === "deny") }),
    ...(entry.grpc === undefined ? {} : { grpc: compileGrpc(entry.grpc, entry.effect === "deny") }),
    ...(entry.graphql === undefined ? {} : { graphql: compileGraphql(entry.graphql, entry.effect === "deny") }),
    ...(entry.json === undefined ? {} : { json: Object.entries(entry.json).map(([pointer, rule]) => compileValueRule(pointer, pointerSteps(pointer), rule)) }),
  };
}

type Compiled<Key extends keyof CompiledReadings> = NonNullable<CompiledReadings[Key]>;
type Said<Key extends keyof ReadingKeys> = NonNullable<ReadingKeys[Key]>;

function compileMcp(said: Said<"mcp">, denies: boolean): CompiledMcp {
  const lists = (["tools", "resources", "prompts"] as const).filter((kind) => said[kind] !== undefined).flatMap((kind) => LISTS[kind]);
  const tools = (said.tools ?? []).map(compileTool);
  return {
    everything: denies && Object.keys(said).length === 0,
    opening: denies ? NO_TEXT : compileGlobs([...(said.methods === undefined ? OPENING : []), ...lists]),
    sessions: !denies,
    methods: compileGlobs(said.methods ?? []),
    tools: { named: byName(tools), like: tools.filter(({ name }) => name.exact.length === 0) },
    resources: compileGlobs(said.resources ?? []),
    prompts: compileGlobs(said.prompts ?? []),
    from_server: compileGlobs(said.from_server ?? []),
    texts: {
      methods: listed([...(said.methods ?? OPENING), ...lists]), tools: listed(said.tools?.map(({ name }) => name)),
      resources: listed(said.resources), prompts: listed(said.prompts), from_server: listed(said.from_server),
    },
  };
}

/** `Object.fromEntries` defines own properties, so that a tool may be called `__proto__`. */
function byName(tools: readonly CompiledTool[]): CompiledMcp["tools"]["named"] {
  const grouped = new Map<string, CompiledTool[]>();
  for (const tool of tools) for (const name of tool.name.exact) grouped.set(name, [...(grouped.get(name) ?? []), tool]);
  return Object.fromEntries(grouped);
}

function compileTool({ name, arguments: rules, only_these }: NonNullable<Said<"mcp">["tools"]>[number]): CompiledTool {
  const paths = Object.keys(rules).map((argument) => argument.split("."));
  return {
    name: compileGlobs([name]),
    arguments: Object.entries(rules).map(([argument, rule]: [string, ValueRule]) => compileValueRule(argument, argument.split("."), rule)),
    only: only_these ? levelsOf(paths) : null,
  };
}

/** Keys that may stand at each level that is looked into: for `a.b` and `c`, `a` and `c` at the top and `b` in `a`. */
function levelsOf(paths: readonly (readonly string[])[]): NonNullable<CompiledTool["only"]> {
  const levels = new Map<string, { at: string[]; keys: Set<string> }>([["[]", { at: [], keys: new Set() }]]);
  for (const path of paths) {
    for (const [depth, key] of path.entries()) {
      const at = path.slice(0, depth);
      const level = levels.get(JSON.stringify(at)) ?? { at, keys: new Set() };
      level.keys.add(key);
      levels.set(JSON.stringify(at), level);
    }
  }
  return [...levels.values()].map(({ at, keys }) => ({ at: at.map((key) => ({ key, index: null })), keys: [...keys] }));
}

/** A deny is held against names in small letters: not every server tells capitals apart. */
function compileLlm({ models, tools, stream }: Said<"llm">, denies: boolean): Compiled<"llm"> {
  const globsOf = (names: readonly string[]) => compileGlobs(denies ? names.map((name) => name.toLowerCase()) : names);
  return {
    models: models === undefined ? EVERY_TEXT : globsOf(models),
    ...(tools === undefined ? {} : { tools: globsOf(tools) }),
    streams: stream === undefined ? [true, false] : [stream],
    texts: { models: listed(models), tools: listed(tools) },
  };
}

/** An allow of writing is one of reading too; a deny of writing is one of pushes, and a deny that names neither is one of both. */
function compileGit({ access, repositories }: Said<"git">, denies: boolean): Compiled<"git"> {
  const writes = access === "write" ? (denies ? [true] : [false, true]) : denies && access === undefined ? [false, true] : [false];
  // Hosts of Git take names in any case: a deny must not be passed by another spelling.
  const names = denies ? repositories?.map((name) => name.toLowerCase()) : repositories;
  return { writes, repositories: names === undefined ? EVERY_TEXT : compileGlobs(names), texts: { repositories: listed(repositories) } };
}

/** A deny is held against the path in lower case, whatever the request calls its content. */
function compileGrpc(said: Said<"grpc">, denies: boolean): Compiled<"grpc"> {
  const methods = denies ? said.map((method) => method.toLowerCase()) : said;
  return {
    methods: methods.filter((method) => !method.endsWith("/*")),
    services: methods.filter((method) => method.endsWith("/*")).map((method) => method.slice(0, -2)),
    texts: { methods: listed(said) },
  };
}

function compileGraphql({ types, names, fields }: Said<"graphql">, denies: boolean): Compiled<"graphql"> {
  const covered = types ?? (denies ? ["query", "mutation", "subscription"] : ["query"]);
  return {
    types: covered,
    ...(names === undefined ? {} : { names: compileGlobs(names) }),
    ...(fields === undefined ? {} : { fields: compileGlobs(fields) }),
    texts: { types: listed(covered), names: listed(names), fields: listed(fields) },
  };
}

/** RFC 6901 §4. */
function pointerSteps(pointer: string): string[] {
  return pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function listed(names: readonly string[] | undefined): string {
  const text = (names ?? []).join(", ");
  return text === "" ? "none" : text.length <= TEXT_LENGTH ? text : `${text.slice(0, TEXT_LENGTH)}...`;
}
