import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type YAMLError } from "yaml";

/** Own words where the library's speak of its interface, or do not say what to do. */
const FAULTS: Readonly<Record<string, string>> = {
  BAD_ALIAS: "* alone has a meaning of its own in YAML: put it into quotes",
  BAD_SCALAR_START: "begins with a character that has a meaning of its own in YAML: put the text into quotes",
  MULTIPLE_DOCS: "a second document begins here; keep one",
  TAG_RESOLVE_FAILED: "! has a meaning of its own in YAML: put the text into quotes",
};

/** A configuration as it was written: what it says, and on which line. */
export class ConfigDocument {
  /** Null if the text holds none. */
  readonly value: unknown;
  /** Why it is no configuration at all, each with its line; then nothing else of it can be relied upon. */
  readonly problems: readonly string[];
  readonly #document: Document;
  readonly #lines: LineCounter;

  /** @param text YAML (a superset of JSON); duplicate keys, aliases and tags are problems, not surprises */
  constructor(text: string) {
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { uniqueKeys: true, prettyErrors: true, lineCounter: this.#lines });
    const faults = [...this.#document.errors, ...this.#document.warnings].map(describeFault);
    this.problems = faults.length > 0 ? faults : this.#aliases();
    this.value = this.problems.length > 0 ? null : this.#document.toJS({ maxAliasCount: 0 });
  }

  /** The line of a place, from 1; of the nearest that is there if the place is not. Null if nothing of it is there. */
  lineOf(path: readonly PropertyKey[]): number | null {
    let node: unknown = this.#document.contents;
    let offset: number | undefined;
    for (const step of path) {
      const next = stepInto(node, step);
      if (next === null) break;
      node = next.below;
      offset = next.offset ?? offset;
    }
    return offset === undefined ? null : this.#lines.linePos(offset).line;
  }

  /** The same problem with its line before it. @param problem begins with the place that it is of: `packs.0.access: …` @param below where that place begins */
  placed(problem: string, below: readonly PropertyKey[] = []): string {
    const [place = ""] = problem.split(": ", 1);
    return withLine(this.lineOf([...below, ...place.split(".")]), problem);
  }

  #aliases(): string[] {
    const anchors = new Set<string>();
    const problems: string[] = [];
    visit(this.#document, (_, node) => {
      if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) anchors.add(node.anchor);
      if (!isAlias(node)) return;
      const line = node.range === undefined || node.range === null ? null : this.#lines.linePos(node.range[0]).line;
      problems.push(withLine(line, anchors.has(node.source)
        ? `*${node.source} is an alias; write out what it stands for`
        : `*${node.source} must be quoted: "*${node.source}" (* has a meaning of its own in YAML)`));
    });
    return problems;
  }
}

/** A problem behind its line, if that is known. */
export function withLine(line: number | null, problem: string): string {
  return line === null ? problem : `line ${line}: ${problem}`;
}

/** What stands below a key or a position, and where that begins. */
function stepInto(node: unknown, step: PropertyKey): { readonly below: unknown; readonly offset: number | undefined } | null {
  if (isSeq(node)) {
    const below = node.items[Number(step)];
    return below === undefined ? null : { below, offset: offsetOf(below) };
  }
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  return pair === undefined ? null : { below: pair.value, offset: offsetOf(pair.key) };
}

function offsetOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}

/** The library's words say the place again, and then show it. */
function describeFault({ code, message, linePos }: YAMLError): string {
  const [first = ""] = message.split("\n", 1);
  return withLine(linePos?.[0].line ?? null, FAULTS[code] ?? first.replace(/ at line \d+, column \d+:?$/, ""));
}
