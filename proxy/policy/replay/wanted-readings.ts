import type { McpReading } from "../../model/readings.ts";
import { readingNeed, type KeptInput } from "../reading-need.ts";

/** Different values of one argument that are named; with more, any value is allowed. */
const VALUES_LIMIT = 8;
const NAMES_LIMIT = 100;

interface Tool {
  calls: number;
  /** Argument → values, and how many calls had it; null: too many, or none that can be written. */
  readonly values: Map<string, { readonly seen: Set<unknown> | null; readonly calls: number }>;
}

/** What requests of one kind were read as, merged into the keys of one entry. */
export class WantedReadings {
  readonly #lists = new Map<string, Map<string, Set<string>>>();
  readonly #tools = new Map<string, Tool>();
  #gitWrites = false;
  readonly #grpc = new Set<string>();
  isUnwritable = false;

  /** Names the kind: requests of different kinds need entries of their own. */
  static kindOf({ git, grpc, llm, mcp, graphql }: KeptInput): string {
    const there = { git, grpc, llm, mcp, graphql };
    return Object.entries(there).filter(([, reading]) => reading !== undefined).map(([name]) => name).join("+");
  }

  add(input: KeptInput): void {
    const { json: _, ...named } = input;
    const need = readingNeed(named);
    if (need === null) {
      this.isUnwritable = true;
      return;
    }
    if (input.git?.is_write === true) this.#gitWrites = true;
    for (const method of (need["grpc"] ?? []) as readonly string[]) this.#grpc.add(method);
    for (const kind of ["git", "llm", "mcp", "graphql"]) this.#addLists(kind, (need[kind] ?? {}) as Readonly<Record<string, unknown>>);
    if (input.mcp?.tool !== undefined && input.mcp.tool !== null) this.#addTool(input.mcp.tool, input.mcp);
  }

  /** Keys of an entry. */
  entry(): Record<string, unknown> {
    const entry: Record<string, unknown> = {};
    for (const [kind, lists] of this.#lists) entry[kind] = Object.fromEntries([...lists].map(([key, values]) => [key, [...values].sort()]));
    if (entry["git"] !== undefined) entry["git"] = { access: this.#gitWrites ? "write" : "read", ...entry["git"] as object };
    if (this.#tools.size > 0) entry["mcp"] = { ...entry["mcp"] as object | undefined, tools: [...this.#tools].sort(([left], [right]) => (left < right ? -1 : 1)).map(toolEntry) };
    if (this.#grpc.size > 0) entry["grpc"] = [...this.#grpc].sort();
    return entry;
  }

  /** What the entry allows beyond what was asked for, in words. */
  opens(): string[] {
    const free = [...this.#tools].filter(([, tool]) => [...tool.values.values()].some(({ seen, calls }) => seen === null || calls < tool.calls) || tool.values.size === 0).map(([name]) => name);
    return free.length === 0 ? [] : [`tools with arguments that are not named here: ${free.join(", ")}`];
  }

  #addLists(kind: string, need: Readonly<Record<string, unknown>>): void {
    const lists = this.#lists.get(kind) ?? new Map<string, Set<string>>();
    for (const [key, values] of Object.entries(need)) {
      if (!Array.isArray(values) || key === "tools" && kind === "mcp") continue;
      const known = lists.get(key) ?? new Set<string>();
      for (const value of values as readonly string[]) if (known.size < NAMES_LIMIT) known.add(value);
      lists.set(key, known);
    }
    if (lists.size > 0) this.#lists.set(kind, lists);
  }

  #addTool(name: string, { arguments: given }: McpReading): void {
    const tool = this.#tools.get(name) ?? { calls: 0, values: new Map() };
    tool.calls += 1;
    for (const [key, value] of Object.entries(given ?? {})) {
      const { seen, calls } = tool.values.get(key) ?? { seen: new Set<unknown>(), calls: 0 };
      const isSimple = (typeof value === "string" && value.length <= 200) || typeof value === "number" || typeof value === "boolean";
      if (isSimple) seen?.add(value);
      tool.values.set(key, { seen: !isSimple || key.includes(".") || (seen?.size ?? 0) > VALUES_LIMIT ? null : seen, calls: calls + 1 });
    }
    if (this.#tools.size < NAMES_LIMIT) this.#tools.set(name, tool);
  }
}

function toolEntry([name, { calls, values }]: [string, Tool]): unknown {
  const pinned = [...values].filter(([, value]) => value.seen !== null && value.calls === calls).map(([key, { seen }]) => [key, { one_of: [...seen ?? []] }]);
  return pinned.length === 0 ? name : { name, arguments: Object.fromEntries(pinned) };
}
