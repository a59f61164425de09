import { ANSWER_SETS, type AnswerSet } from "./answer-sets.ts";
import type { Question } from "./policy-engine.ts";

/**
 * Rego of a tenant in a bundle that speaks for a whole cluster. Each policy's packages are moved below `data.weir.tenant["namespace.name"]`, so that
 * it can define nothing but its own; it may read `input` and `data.custom`, which is its own data, and nothing else: not the entries, the
 * custom data or the rules of others.
 */

/** What is wrong with a source. */
export interface RegoProblem {
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  readonly message: string;
}

/** Rego of one policy, its packages moved; by file name. */
export interface TenantRego {
  readonly sources: ReadonlyMap<string, string>;
  readonly questions: ReadonlySet<Question>;
}

interface Node {
  readonly type?: unknown;
  readonly value?: unknown;
  readonly location?: { readonly row?: unknown };
}

/** The only spelling of the package clause that is taken: it is replaced as text. */
const PACKAGE_LINE = /^package[ \t]+weir\.custom\.(connection|exchange|name)[ \t]*(?=\r?$|#)/;
const PACKAGE_RULE = "the file begins with `package weir.custom.connection`, `package weir.custom.exchange` or `package weir.custom.name`, on a line of its own";

/**
 * Moves one source into its policy's package; lines keep their numbers.
 * @param ast what `opa parse --format json --json-include locations` says of the same text
 */
export function moveSource(policy: string, source: { readonly file: string; readonly text: string }, ast: unknown): { readonly question: Question; readonly text: string } | readonly RegoProblem[] {
  const { file } = source;
  const root = ast as { readonly package?: { readonly location?: Node["location"] }; readonly annotations?: readonly { readonly entrypoint?: unknown; readonly location?: Node["location"] }[] };
  const row = lineOf(root.package) ?? 0;
  const lines = source.text.split("\n");
  const question = PACKAGE_LINE.exec(lines[row - 1] ?? "")?.[1] as Question | undefined;
  if (question === undefined) return [{ file, ...(row > 0 ? { line: row } : {}), message: PACKAGE_RULE }];
  const problems = [
    ...(root.annotations ?? []).filter(({ entrypoint }) => entrypoint === true).map((annotation) => problemAt(file, annotation, "`entrypoint` is for Weir's own packages")),
    ...foreignReads({ ...root, package: null }, file),
  ];
  if (problems.length > 0) return problems;
  lines[row - 1] = (lines[row - 1] ?? "").replace(PACKAGE_LINE, `package ${tenantPackage(policy)}.${question} `).trimEnd();
  return { question, text: lines.join("\n") };
}

/** Every place where the AST speaks of `data` other than as `data.custom`. */
function foreignReads(ast: unknown, file: string): RegoProblem[] {
  const problems: RegoProblem[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const { type, value } = node as Node;
    if (type === "ref" && isOwnData(value)) return value.slice(2).forEach(visit);
    if ((type === "var" && value === "data") || (node as { alias?: unknown }).alias === "data") {
      problems.push(problemAt(file, node, "of `data` it may use `data.custom` alone, which is this policy's own; share rules by putting them into a file of the same package"));
      return;
    }
    for (const inner of Object.values(node)) visit(inner);
  };
  visit(ast);
  return problems;
}

/** `data.custom`, written out; what follows is looked at like everything else. */
function isOwnData(value: unknown): value is readonly unknown[] {
  if (!Array.isArray(value)) return false;
  const [head, next] = value as readonly Node[];
  return head?.type === "var" && head.value === "data" && next?.type === "string" && next.value === "custom";
}

function problemAt(file: string, node: { readonly location?: Node["location"] }, message: string): RegoProblem {
  const line = lineOf(node);
  return { file, ...(line === undefined ? {} : { line }), message };
}

function lineOf(node: { readonly location?: Node["location"] } | undefined): number | undefined {
  const row = node?.location?.row;
  return typeof row === "number" ? row : undefined;
}

function tenantPackage(policy: string): string {
  return `weir.tenant[${JSON.stringify(policy)}]`;
}

/** One policy as the wrapper sees it. */
export interface WrappedPolicy {
  readonly namespace: string;
  /** `namespace.name` */
  readonly id: string;
  readonly rego: TenantRego;
}

/**
 * The packages where the library looks for Rego, for all policies together: each is asked only for agents that name it, with its own custom data,
 * and lends only what is of its namespace.
 * @returns sources by path
 */
export function wrapperSources(policies: readonly WrappedPolicy[]): ReadonlyMap<string, string> {
  const wrappers = (["connection", "exchange", "name"] as const).flatMap((question) => {
    const asked = policies.filter(({ rego }) => rego.questions.has(question));
    const rules = asked.flatMap((policy) => ANSWER_SETS[question].filter((set) => mentions(policy, set)).map((set) => ruleOf(policy, question, set)));
    if (rules.length === 0) return [];
    return [[`cluster/${question}.rego`, [`package weir.custom.${question}`, "import data.weir.tenants", ...rules].join("\n\n")] as const];
  });
  return new Map(wrappers);
}

/** A set that no source names is not there; most policies have but one, and each costs a look for every agent. */
function mentions({ rego }: WrappedPolicy, set: AnswerSet): boolean {
  const word = new RegExp(String.raw`\b${set}\b`);
  return [...rego.sources.values()].some((text) => word.test(text));
}

function ruleOf({ id, namespace }: WrappedPolicy, question: Question, set: AnswerSet): string {
  const name = JSON.stringify(id);
  const answers: Readonly<Record<AnswerSet, string>> = {
    deny: `tenants.refusal(answer, ${name})`, read: "answer",
    allow: `tenants.permission(answer, ${JSON.stringify(namespace)})`, ask: `tenants.question(answer, ${JSON.stringify(namespace)})`,
  };
  return `${set} contains ${answers[set]} if {
	${name} in tenants.held
	some answer in data.${tenantPackage(id)}.${question}.${set} with data.custom as data.egress.cluster.policies[${name}].custom
}`;
}
