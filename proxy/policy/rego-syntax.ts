/** A node of Rego's syntax tree, as `opa parse --format json --json-include locations` prints it; not believed further than it is looked at. */
export interface SyntaxNode {
  readonly type?: unknown;
  readonly value?: unknown;
  readonly location?: { readonly row?: unknown };
}

/** One rule; several may define the same. */
export interface RegoRule {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Below `data`: the package, and what of the rule's own name is fixed. */
  readonly path: readonly string[];
  /** What a rule with `contains` adds to its set; null for any other rule. */
  readonly member: SyntaxNode | null;
  /** `custom` of its annotations. */
  readonly custom: Readonly<Record<string, unknown>>;
  /** What it speaks of, below `data`, as far as that is fixed. */
  readonly uses: readonly (readonly string[])[];
}

/** One source, as far as it matters who uses what. */
export interface RegoFile {
  readonly file: string;
  readonly package: readonly string[];
  readonly packageLine: number;
  readonly rules: readonly RegoRule[];
}

interface ParsedHead {
  readonly ref?: unknown;
  readonly key?: SyntaxNode;
  readonly value?: unknown;
  readonly args?: unknown;
}

interface ParsedRule extends SyntaxNode {
  readonly head?: ParsedHead;
  readonly annotations?: readonly { readonly custom?: unknown }[];
}

interface ParsedFile {
  readonly package?: SyntaxNode & { readonly path?: readonly SyntaxNode[] };
  readonly imports?: readonly { readonly path?: SyntaxNode; readonly alias?: string }[];
  readonly rules?: readonly ParsedRule[];
}

/** Reads one syntax tree. */
export function readSyntax(file: string, tree: unknown): RegoFile {
  const parsed = tree as ParsedFile;
  const name = fixedSteps(parsed.package?.path).slice(1);
  const imports = importsOf(parsed);
  return {
    file, package: name, packageLine: lineOf(parsed.package),
    rules: (parsed.rules ?? []).map((rule): RegoRule => {
      const { head = {}, annotations } = rule;
      const isSet = head.key !== undefined && head.value === undefined;
      return {
        file, line: lineOf(rule), path: [...name, ...fixedSteps(head.ref)], member: isSet && head.args === undefined ? head.key ?? null : null,
        custom: Object.assign({}, ...(annotations ?? []).map(({ custom }) => custom)) as Record<string, unknown>,
        uses: usesOf(rule, name, imports),
      };
    }),
  };
}

function importsOf({ imports = [] }: ParsedFile): ReadonlyMap<string, readonly string[]> {
  return new Map(imports.map(({ path, alias }) => {
    const steps = fixedSteps(path?.value);
    return [alias ?? steps.at(-1) ?? "", steps];
  }));
}

/** Every name and reference in a rule. What a variable of its own is called like a rule is taken for that rule: the error is a use too much. */
function usesOf(rule: ParsedRule, name: readonly string[], imports: ReadonlyMap<string, readonly string[]>): (readonly string[])[] {
  const uses: (readonly string[])[] = [];
  const speakOf = ([head = "", ...rest]: readonly string[]): void => {
    const [root, ...steps] = [...imports.get(head) ?? (head === "data" ? [head] : ["data", ...name, head]), ...rest];
    if (root === "data") uses.push(steps);
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const { type, value } = node as SyntaxNode;
    if (type === "var" && typeof value === "string") return speakOf([value]);
    if (type === "ref" && Array.isArray(value)) {
      speakOf(fixedSteps(value));
      return value.slice(1).forEach(visit);
    }
    for (const inner of Object.values(node)) visit(inner);
  };
  const { head = {}, annotations: _, ...below } = rule;
  const { ref: defined, ...rest } = head;
  visit([below, rest, Array.isArray(defined) ? defined.slice(1) : []]);
  return uses;
}

/** The steps of a reference up to the first that is worked out. */
function fixedSteps(reference: unknown): string[] {
  const steps: string[] = [];
  for (const [index, { type, value }] of (Array.isArray(reference) ? reference as readonly SyntaxNode[] : []).entries()) {
    if (typeof value !== "string" || type !== (index === 0 ? "var" : "string")) break;
    steps.push(value);
  }
  return steps;
}

export function lineOf(node: SyntaxNode | undefined): number {
  const row = node?.location?.row;
  return typeof row === "number" ? row : 1;
}
