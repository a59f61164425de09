import type { Need, Scope } from "../../support/kube/permissions.ts";
import type { Kind, Question } from "./questions.ts";

/** Namespaces of the proof: the installation's, one for agents, and one that nobody gave us. */
export const NAMESPACES = { own: "weir-system", agents: "agents", other: "payroll" } as const;

const STRANGER = "somebody-elses";

/** Everything that could be asked: each verb of each kind in each place, by no name; and by name, our own and another, where a need has names. */
export function allQuestions(kinds: readonly Kind[], needs: readonly Need[]): readonly Question[] {
  const unnamed = kinds.flatMap(({ group, resource, isNamespaced, verbs }) => placesOf(isNamespaced)
    .flatMap((namespace) => verbs.map((verb) => ({ group, resource, verb, namespace, name: "" }))));
  const named = needs.flatMap((need) => (need.names === undefined ? [] : [...need.names, STRANGER].flatMap((name) => kinds
    .filter(({ group, resource }) => group === need.group && resource === need.resource)
    .flatMap(({ group, resource, isNamespaced, verbs }) => placesOf(isNamespaced).flatMap((namespace) => verbs.map((verb) => ({ group, resource, verb, namespace, name })))))));
  return [...unnamed, ...named];
}

/** What the needs say. */
export function isExpected(question: Question, needs: readonly Need[]): boolean {
  return needs.some((need) => need.group === question.group && need.resource === question.resource && (need.verbs as readonly string[]).includes(question.verb)
    && (need.names === undefined || need.names.includes(question.name)) && reaches(need.scope, question.namespace));
}

function reaches(scope: Scope, namespace: string): boolean {
  return scope === "cluster" || namespace === NAMESPACES[scope];
}

function placesOf(isNamespaced: boolean): readonly string[] {
  return isNamespaced ? ["", ...Object.values(NAMESPACES)] : [""];
}
