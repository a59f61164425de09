import type { ProposedEntry } from "../entry-opens.ts";

/** Different calls of one tool that are written out; with more, any arguments are allowed, and that is said. */
const CALLS_LIMIT = 16;
/** Different JSON bodies of one request that are written out; with more, any is allowed, and that is said. */
const BODIES_LIMIT = 16;
const LIST_LIMIT = 100;

/** Lists of an entry that stand for alternatives. A path of keys. */
const ALTERNATIVES: readonly (readonly string[])[] = [
  ["methods"], ["paths"], ["grpc"], ["git", "repositories"], ["llm", "models"], ["graphql", "names"],
  ["mcp", "tools"], ["mcp", "methods"], ["mcp", "resources"], ["mcp", "prompts"], ["mcp", "from_server"],
];

/** Something that is proposed, with the entry that says it. */
export interface Wanted<W> {
  readonly entry: ProposedEntry;
  readonly wishes: readonly W[];
}

/**
 * Fewer entries that allow the same. An entry covers all combinations of its lists, so entries are put together only where they differ in a single one:
 * then the combinations are those that there were, and no more.
 */
export function mergeEntries<W>(wanted: readonly Wanted<W>[]): Wanted<W>[] {
  let merged = withoutManyBodies(wanted);
  for (const place of ALTERNATIVES) merged = along(place, merged);
  return merged.map((one) => ({ ...one, entry: withFewCalls(one.entry) }));
}

/** Puts together what differs at one place alone. */
function along<W>(place: readonly string[], wanted: readonly Wanted<W>[]): Wanted<W>[] {
  const groups = new Map<string, Wanted<W>[]>();
  for (const one of wanted) {
    const list = listAt(one.entry, place);
    const key = list === null ? JSON.stringify(one.entry) : JSON.stringify(setAt(one.entry, place, []));
    const group = groups.get(key) ?? [];
    group.push(one);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) => chunks(group).map((some) => together(place, some)));
}

function together<W>(place: readonly string[], [first, ...others]: readonly [Wanted<W>, ...Wanted<W>[]]): Wanted<W> {
  const all = [first, ...others];
  const list = distinct(all.flatMap(({ entry }) => listAt(entry, place) ?? []));
  return { entry: others.length === 0 ? first.entry : setAt(first.entry, place, list) as ProposedEntry, wishes: all.flatMap(({ wishes }) => wishes) };
}

/** Data may not hold lists of any length. */
function chunks<T>(list: readonly T[]): [T, ...T[]][] {
  return Array.from({ length: Math.ceil(list.length / LIST_LIMIT) }, (_, at) => list.slice(at * LIST_LIMIT, (at + 1) * LIST_LIMIT) as [T, ...T[]]);
}

function withoutManyBodies<W>(wanted: readonly Wanted<W>[]): Wanted<W>[] {
  const without = ({ entry: { json: _, ...rest } }: Wanted<W>) => rest;
  const counts = new Map<string, number>();
  for (const one of wanted) counts.set(JSON.stringify(without(one)), (counts.get(JSON.stringify(without(one))) ?? 0) + 1);
  return wanted.map((one) => ((counts.get(JSON.stringify(without(one))) ?? 0) > BODIES_LIMIT ? { ...one, entry: without(one) } : one));
}

interface Call {
  readonly name: string;
  readonly arguments: Readonly<Record<string, { readonly one_of?: readonly unknown[] }>>;
}

/** Calls of a tool that differ in one argument alone become one. */
function withFewCalls(entry: ProposedEntry): ProposedEntry {
  const tools = listAt(entry, ["mcp", "tools"]) as readonly (string | Call)[] | null;
  if (tools === null) return entry;
  const free = new Set(tools.filter((tool) => typeof tool === "string"));
  let calls: Wanted<never>[] = tools.flatMap((tool) => (typeof tool === "string" || free.has(tool.name) ? [] : [{ entry: tool as unknown as ProposedEntry, wishes: [] }]));
  for (const key of new Set(calls.flatMap(({ entry: call }) => Object.keys((call as unknown as Call).arguments)))) calls = along(["arguments", key, "one_of"], calls);
  const found = calls.map(({ entry: call }) => call as unknown as Call);
  for (const { name } of found) if (found.filter((call) => call.name === name).length > CALLS_LIMIT) free.add(name);
  const all = [...[...free].sort(), ...found.filter(({ name }) => !free.has(name)).toSorted((left, right) => (left.name < right.name ? -1 : 1))];
  return setAt(entry, ["mcp", "tools"], all) as ProposedEntry;
}

function listAt(value: unknown, [key, ...rest]: readonly string[]): readonly unknown[] | null {
  if (key === undefined) return Array.isArray(value) ? value : null;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return null;
  return listAt((value as Record<string, unknown>)[key], rest);
}

function setAt(value: object, [key = "", ...rest]: readonly string[], list: readonly unknown[]): object {
  const inner = (value as Record<string, unknown>)[key];
  return { ...value, [key]: rest.length === 0 ? list : setAt(inner as object, rest, list) };
}

function distinct(list: readonly unknown[]): unknown[] {
  const texts = new Map(list.map((item) => [JSON.stringify(item), item]));
  return [...texts].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, item]) => item);
}
