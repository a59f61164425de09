import type { HostEntry } from "../data.ts";

/** What an entry says of the requests that it covers, as `data.yaml` writes it. Absent parts say nothing. */
export type Operation = { readonly [Key in "handling" | "ports" | "methods" | "paths" | "git" | "grpc" | "mcp" | "llm" | "graphql" | "json"]?: unknown };

type Texts = readonly string[];
type Fields = Readonly<Record<string, unknown>>;

/**
 * Whether some request could be meant by both entries, whatever its values: methods, paths, and the names that a protocol gives to what is done (tool,
 * repository, model, field). Values of arguments and of JSON bodies do not count. In doubt it is the same: paths are compared as a deny compares them.
 */
export function isSameOperation(asking: Operation, proposed: Operation): boolean {
  if (isUnread(asking) || isUnread(proposed)) return meet(portsOf(asking), portsOf(proposed));
  return meet(methodsOf(asking), methodsOf(proposed)) && someMeet(pathsOf(asking), pathsOf(proposed), pathsMeet) && NAMED.every((namesOf) => {
    const [some, other] = [namesOf(asking), namesOf(proposed)];
    return some === null || other === null || meet(some, other);
  });
}

function isUnread({ handling }: Operation): boolean {
  return handling === "tunnel" || handling === "postgres";
}

function portsOf({ ports }: Operation): Texts {
  return ((ports ?? [443]) as readonly number[]).map(String);
}

/** With a reading and no method, those by which it travels: in doubt all. */
function methodsOf({ methods, git, grpc, mcp, llm, graphql, json }: Operation): Texts {
  if (methods !== undefined) return methods as Texts;
  return [git, grpc, mcp, llm, graphql, json].some((reading) => reading !== undefined) ? ["*"] : ["GET", "HEAD"];
}

/** Git and gRPC say by the path what they are about. */
function pathsOf({ paths, git, grpc }: Operation): Texts {
  if (paths !== undefined) return paths as Texts;
  if (grpc !== undefined) return (grpc as Texts).map((method) => `/${method}`);
  const { repositories } = (git ?? {}) as { readonly repositories?: Texts };
  return repositories?.flatMap((name) => (name.includes("*") ? ["/**"] : [`/${name}/**`, `/${name}.git/**`])) ?? ["/**"];
}

/** Names that an entry gives, protocol by protocol; null where it says nothing of the protocol. */
const NAMED: readonly ((operation: Operation) => Texts | null)[] = [
  ({ git }) => named(git, ({ repositories }) => repositories as Texts | undefined ?? ["*"]),
  ({ grpc }) => (grpc ?? null) as Texts | null,
  ({ llm }) => named(llm, ({ models }) => models as Texts | undefined ?? ["*"]),
  ({ graphql }) => named(graphql, ({ types, fields }) => ((types ?? ["query"]) as Texts).flatMap((type) => ((fields ?? ["*"]) as Texts).map((field) => `${type} ${field}`))),
  ({ mcp }) => named(mcp, (rules) => ["methods", "tools", "resources", "prompts", "from_server"].flatMap((kind) => namesIn(rules[kind]).map((name) => `${kind} ${name}`))),
];

function named(reading: unknown, namesOf: (rules: Fields) => Texts): Texts | null {
  return reading === undefined ? null : namesOf(reading as Fields);
}

function namesIn(list: unknown): Texts {
  return ((list ?? []) as readonly (string | NonNullable<NonNullable<HostEntry["mcp"]>["tools"]>[number])[]).map((one) => (typeof one === "string" ? one : one.name));
}

function meet(some: Texts, other: Texts): boolean {
  return someMeet(some, other, globsMeet);
}

function someMeet(some: Texts, other: Texts, meets: (one: string, two: string) => boolean): boolean {
  return some.some((one) => other.some((two) => meets(one, two)));
}

/** Whether some path is covered by both patterns, in the plain form of a deny: case, path parameters, a slash or a format at the end do not count. */
function pathsMeet(one: string, two: string): boolean {
  const [[some, hasRest], [other, otherHasRest]] = [plain(one), plain(two)];
  const shorter = Math.min(some.length, other.length);
  if (some.length > shorter && !otherHasRest) return false;
  if (other.length > shorter && !hasRest) return false;
  return some.slice(0, shorter).every((segment, at) => globsMeet(segment, other[at] ?? ""));
}

function plain(path: string): [segments: readonly string[], hasRest: boolean] {
  const parts = path.toLowerCase().split(/\/|%2f/).map((part) => part.split(";", 1)[0] ?? "").filter((part) => part !== "");
  const hasRest = parts.at(-1) === "**";
  const fixed = hasRest ? parts.slice(0, -1) : parts;
  return [fixed.map((part, at) => (at === fixed.length - 1 && !hasRest ? part.replace(/\.[a-z]{1,8}$/, "") : part)), hasRest];
}

/** Whether some text is covered by both, where `*` is any run of characters. Takes time by the product of the lengths. */
export function globsMeet(one: string, two: string): boolean {
  let after = Array.from({ length: two.length + 1 }, (_, at) => /^\**$/.test(two.slice(at)));
  for (let at = one.length - 1; at >= 0; at -= 1) {
    const row: boolean[] = Array.from({ length: two.length + 1 }, () => false);
    for (let to = two.length; to >= 0; to -= 1) {
      const isStar = one[at] === "*" || two[to] === "*";
      row[to] = isStar ? after[to] === true || row[to + 1] === true : to < two.length && one[at] === two[to] && after[to + 1] === true;
    }
    after = row;
  }
  return after[0] === true;
}
