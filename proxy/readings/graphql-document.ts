import { Kind, parse, type DocumentNode, type FragmentDefinitionNode, type OperationDefinitionNode, type SelectionSetNode } from "graphql/language";
import type { GraphqlReading } from "../model/readings.ts";
import { none, type Problem } from "./part.ts";

/** Of one document. The query with which tools ask for a whole schema has some 500. */
const TOKEN_LIMIT = 10_000;
const COMMENT_LIMIT = 1_000;

/**
 * The one operation that a document runs (GraphQL, October 2021, §6.1 GetOperation).
 * @param operationName null if none was named; then the document has one operation
 */
export function readDocument(query: string, operationName: string | null): GraphqlReading | Problem {
  const document = parsed(query);
  if (document === null) return none("its query is no GraphQL document that every server reads alike, or is too large to be read");
  const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
  const fragments = document.definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION);
  if (operations.length + fragments.length < document.definitions.length) return none("its query defines types");
  const [names, fragmentNames] = [operations.map(({ name }) => name?.value ?? ""), fragments.map(({ name }) => name.value)];
  if (isRepeated(names) || isRepeated(fragmentNames)) return none("its query defines a name twice");
  const operation = chosen(operations, operationName);
  if (operation === null) return none("it does not say which operation of its query is meant");
  const fields = new RootFields(new Map(fragments.map((one) => [one.name.value, one])));
  if (!fields.add(operation.selectionSet)) return none("its query uses a fragment that it does not define");
  return { type: operation.operation, name: operation.name?.value ?? null, fields: [...fields.names] };
}

/**
 * Where readers end a line or a comment at other places, they find other fields: at U+2028 (the grammar of graphql-java), at a lone carriage return, at
 * the controls that some take for white space; some skip U+FEFF everywhere, others nowhere. No tool writes these.
 */
const UNSURE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/;

function parsed(query: string): DocumentNode | null {
  if (UNSURE.test(query) || !query.isWellFormed()) return null;
  try {
    return parse(query, { noLocation: true, maxLexicalTokens: TOKEN_LIMIT, maxComments: COMMENT_LIMIT });
  } catch {
    return null;
  }
}

/** An empty name is none to some servers, and a name to others. */
function chosen(operations: readonly OperationDefinitionNode[], wanted: string | null): OperationDefinitionNode | null {
  if (wanted === null || wanted === "") return operations.length === 1 ? operations[0] ?? null : null;
  return operations.find(({ name }) => name?.value === wanted) ?? null;
}

function isRepeated(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

/** Names of the fields at the root, whatever stands around them: directives may leave fields out, and are not believed. */
class RootFields {
  readonly names = new Set<string>();
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #seen = new Set<string>();

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#fragments = fragments;
  }

  /** @returns false if it uses a fragment that is not there */
  add({ selections }: SelectionSetNode): boolean {
    return selections.every((selection) => {
      if (selection.kind === Kind.FIELD) return this.names.add(selection.name.value) !== undefined;
      if (selection.kind === Kind.INLINE_FRAGMENT) return this.add(selection.selectionSet);
      return this.#spread(selection.name.value);
    });
  }

  #spread(name: string): boolean {
    if (this.#seen.has(name)) return true;
    this.#seen.add(name);
    const fragment = this.#fragments.get(name);
    return fragment !== undefined && this.add(fragment.selectionSet);
  }
}
