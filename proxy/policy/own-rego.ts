import { nearNames } from "../../common/near-names.ts";
import { ANSWER_SETS, answerKeys, READ_NAMES, type AnswerKeys, type AnswerSet } from "./answer-sets.ts";
import type { Question } from "./policy-engine.ts";
import { lineOf, type RegoFile, type RegoRule, type SyntaxNode } from "./rego-syntax.ts";
import type { RegoProblem } from "./tenant-rego.ts";

/**
 * What the compiler does not see in Rego of one's own: rules that nobody asks, so that a refusal stands there and never holds, and answers of a shape that is
 * none. The compiler is content with both.
 */

const QUESTIONS = Object.keys(ANSWER_SETS) as readonly Question[];
const CUSTOM = ["weir", "custom"] as const;
const PACKAGES = QUESTIONS.map((question) => [...CUSTOM, question]);
const names = (path: readonly string[]): string => path.join(".");

/** Every problem of the files, in order. Tests are no part of them. */
export function ownRegoProblems(files: readonly RegoFile[]): RegoProblem[] {
  const reached = reachedRules(files.flatMap(({ rules }) => rules));
  const used = new Set([...files].filter(({ rules }) => rules.some((rule) => reached.has(rule))).map((file) => names(file.package)));
  return files.flatMap((file) => [...unusedOf(file, reached, used), ...file.rules.flatMap(shapeProblems)]);
}

/** The rules that the library asks, and what those use, and so on. */
function reachedRules(rules: readonly RegoRule[]): ReadonlySet<RegoRule> {
  const along = indexed(rules);
  const reached = new Set<RegoRule>();
  const seen = new Set<string>();
  const waiting: (readonly string[])[] = QUESTIONS.flatMap((question) => ANSWER_SETS[question].map((set) => [...CUSTOM, question, set]));
  for (let use = waiting.pop(); use !== undefined; use = waiting.pop()) {
    if (seen.has(keyOf(use))) continue;
    seen.add(keyOf(use));
    for (const rule of along(use)) {
      if (reached.has(rule)) continue;
      reached.add(rule);
      waiting.push(...rule.uses);
    }
  }
  return reached;
}

const keyOf = (path: readonly string[]): string => JSON.stringify(path);

/** Finds the rules that a reference may mean: that path, what lies below it, and what it lies below. */
function indexed(rules: readonly RegoRule[]): (use: readonly string[]) => readonly RegoRule[] {
  const [at, below] = [new Map<string, RegoRule[]>(), new Map<string, RegoRule[]>()];
  const add = (index: Map<string, RegoRule[]>, path: readonly string[], rule: RegoRule): void => {
    const key = keyOf(path);
    const there = index.get(key);
    if (there === undefined) index.set(key, [rule]);
    else there.push(rule);
  };
  for (const rule of rules) {
    add(at, rule.path, rule);
    for (let length = 0; length < rule.path.length; length += 1) add(below, rule.path.slice(0, length), rule);
  }
  return (use) => [...below.get(keyOf(use)) ?? [], ...use.flatMap((_, index) => at.get(keyOf(use.slice(0, index + 1))) ?? [])];
}

/** A package is used if one of its rules is: a library may hold more than is needed. Of the packages that are asked each rule counts. */
function unusedOf(file: RegoFile, reached: ReadonlySet<RegoRule>, used: ReadonlySet<string>): RegoProblem[] {
  const question = QUESTIONS.find((each) => names(file.package) === names([...CUSTOM, each]));
  if (question !== undefined) {
    return file.rules.filter((rule) => !reached.has(rule)).map((rule) => ({ file: file.file, line: rule.line, message: unusedRule(rule, question) }));
  }
  const isOurs = file.package[0] === "weir" && file.package[1] !== "custom";
  if (file.rules.length === 0 || (used.has(names(file.package)) && !isOurs)) return [];
  return [{ file: file.file, line: file.packageLine, message: isOurs ? ourPackage(file.package) : unusedPackage(file.package) }];
}

function unusedRule({ path }: RegoRule, question: Question): string {
  const name = path[CUSTOM.length + 1] ?? "";
  const [near] = nearNames(name, ANSWER_SETS[question]);
  if (name.startsWith("test_")) return `${name} is a test: tests stand in files that end in _test.rego`;
  const meant = near === undefined ? "" : `; did you mean ${near}?`;
  return `nothing uses the rule ${name}, so it never holds${meant} (of ${names([...CUSTOM, question])} are asked: ${ANSWER_SETS[question].join(", ")})`;
}

function ourPackage(path: readonly string[]): string {
  return `the package ${names(path)} is Weir's own; yours are ${PACKAGES.map(names).join(", ")}, and libraries outside of weir`;
}

function unusedPackage(path: readonly string[]): string {
  const known = PACKAGES.map(names);
  const [near] = [...known.filter((each) => each.split(".").at(-1) === path.at(-1)), ...nearNames(names(path), known)];
  const meant = near === undefined ? "" : `; did you mean ${near}?`;
  return `nothing uses the package ${names(path)}, so its rules never hold${meant} (asked are ${known.join(", ")}; what only tests use stands in a file that ends in _test.rego)`;
}

/** What can be said of an answer by its look. What is worked out is looked at when it answers (answer.ts). */
function shapeProblems({ file, line, path, member, custom }: RegoRule): RegoProblem[] {
  const question = QUESTIONS.find((each) => names(path.slice(0, 3)) === names([...CUSTOM, each]));
  const set = question === undefined ? undefined : ANSWER_SETS[question].find((each: AnswerSet) => each === path[3]);
  if (question === undefined || set === undefined) return [];
  if (member === null || path.length > 4) return [{ file, line, message: `${set} is a set: write \`${set} contains ${EXAMPLES[set]} if …\`` }];
  const keys = answerKeys(question, set);
  const isAnnotated = isMetadata(member);
  const problems = isAnnotated ? keyProblems(Object.keys(custom), { required: [], optional: [...keys.required, ...keys.optional] }) : memberProblems(member, set, keys);
  return problems.map((problem) => ({ file, line: isAnnotated ? line : lineOf(member), message: `${isAnnotated ? "the annotations of " : ""}${set}: ${problem}` }));
}

const EXAMPLES: Readonly<Record<AnswerSet, string>> = {
  deny: '{"rule": "…", "reason": "…", "hint": "…"}', allow: '{"rule": "…"}', ask: '{"rule": "…", "reason": "…"}', read: '"mcp"',
};

function memberProblems(member: SyntaxNode, set: AnswerSet, keys: AnswerKeys): string[] {
  if (set === "read" && member.type === "string" && !READ_NAMES.includes(String(member.value))) return [`${String(member.value)} is no reading; there are ${READ_NAMES.join(", ")}`];
  if (member.type !== "object" || !Array.isArray(member.value)) return [];
  const written = (member.value as readonly (readonly SyntaxNode[])[]).map(([key]) => key);
  return written.every((key) => key?.type === "string") ? keyProblems(written.map((key) => String(key?.value)), keys) : [];
}

function keyProblems(written: readonly string[], { required, optional }: AnswerKeys): string[] {
  const known = [...required, ...optional];
  return [
    ...written.filter((key) => !known.includes(key)).map((key) => {
      const [near] = nearNames(key, known);
      return `unknown key ${key}; ${near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`}`;
    }),
    ...required.filter((key) => !written.includes(key)).map((key) => `${key} must be given`),
  ];
}

/** The call that gives a rule its own annotations. */
function isMetadata({ type, value }: SyntaxNode): boolean {
  const [called] = type === "call" && Array.isArray(value) ? value as readonly SyntaxNode[] : [];
  return Array.isArray(called?.value) && names((called.value as readonly SyntaxNode[]).map((step) => String(step.value))) === "rego.metadata.rule";
}
