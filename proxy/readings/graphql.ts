import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseJsonText } from "../../common/json/parse-json.ts";
import type { GraphqlReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { readDocument } from "./graphql-document.ts";
import { malformed, none, type Problem, type Read } from "./part.ts";
import { strictQuery } from "./query.ts";

/** Operations of one batch. */
const BATCH_LIMIT = 100;
/** So many are read before others have their turn. */
const TURN_OPERATIONS = 5;
/** Names of GraphQL over HTTP, and those by which servers take a document that they have stored. */
const PARAMETERS = ["query", "operationName", "variables", "extensions"] as const;
const STORED = [
  "id", "documentId", "doc_id", "docId", "documentHash", "queryId", "queryHash", "query_hash", "query_id", "operationId", "operationHash", "persistedQueryId", "persistedQuery", "hash", "sha256Hash",
] as const;
const KNOWN = new Map([...PARAMETERS, ...STORED].map((name) => [name.toLowerCase(), name]));

/** One request for one operation, as it came. */
type Parameters = Readonly<Record<string, unknown>>;

/**
 * GraphQL over HTTP (graphql-over-http, §5 "Request"): a JSON body with one operation or a batch of them, or the query of a GET.
 * @param json the body as it was read; undefined where there is none
 * @throws EgressError `request.malformed` where body and query both say what is asked
 */
export async function readGraphql(head: RequestHead, json: { readonly value: unknown } | null): Promise<Read<GraphqlReading>> {
  const { asked: inQuery, isStored } = ofQuery(head);
  if (isStored && (json !== null || inQuery !== null)) throw malformed("a stored GraphQL query that is named beside another");
  if (json === null && (head.method !== "GET" || inQuery === null)) return none("there is no body, and no query of a GET that has an operation");
  if (json === null) return one(readOperation(inQuery));
  if (inQuery !== null) throw malformed("GraphQL in the query and in the body");
  if (!Array.isArray(json.value)) return one(readOperation(json.value));
  if (json.value.length === 0 || json.value.length > BATCH_LIMIT) return none(`it is a batch of no operation, or of more than ${BATCH_LIMIT}`);
  const parts: GraphqlReading[] = [];
  for (const operation of json.value) {
    const part = readOperation(operation);
    if (isProblem(part)) return part;
    // Other agents must not wait for a hundred documents.
    if (parts.push(part) % TURN_OPERATIONS === 0) await nextTurn();
  }
  return { kind: "read", parts };
}

function one(part: GraphqlReading | Problem): Read<GraphqlReading> {
  return isProblem(part) ? part : { kind: "read", parts: [part] };
}

/** @returns what the query of the request asks, null if it has none of the names that matter; and whether it names a query that is stored */
function ofQuery({ query }: RequestHead): { readonly asked: Parameters | null; readonly isStored: boolean } {
  const found: Record<string, unknown> = {};
  let isStored = false;
  // Some servers begin a parameter at a semicolon too.
  for (const [name, value] of strictQuery(query?.replaceAll(";", "&") ?? null)) {
    // PHP makes one of `query[]` and `query`; some servers ignore case.
    const known = KNOWN.get(name.replace(/\[.*$/, "").toLowerCase());
    if (known === undefined) continue;
    if ((STORED as readonly string[]).includes(known)) {
      isStored = true;
      continue;
    }
    if (known !== name || Object.hasOwn(found, name) || query?.includes(";") === true) throw malformed("a GraphQL parameter twice, or in an unusual writing");
    found[name] = name === "extensions" ? jsonOf(value) : value;
  }
  return { asked: Object.keys(found).length === 0 ? null : found, isStored };
}

function jsonOf(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    throw malformed("GraphQL extensions that are no JSON");
  }
}

function readOperation(value: unknown): GraphqlReading | Problem {
  if (!isObject(value)) return none("it is no object with an operation");
  const { query, operationName: name, extensions } = value;
  if (Object.keys(value).some(isUnusual)) return none("it has a parameter in an unusual writing");
  if (typeof query !== "string" || query === "") return none("it has no query: one that is stored under a hash or an id is not read");
  if (STORED.some((key) => value[key] !== undefined && value[key] !== null)) return none("it names a stored query beside its own");
  if (name !== undefined && name !== null && typeof name !== "string") return none("its operationName is no text");
  if (!isOfHash(query, extensions)) return none("its query is not the one whose hash it names");
  return readDocument(query, name ?? null);
}

/** A query that is stored under a hash: servers that know the hash may not look at the text (Apollo, "Automatic persisted queries"). */
function isOfHash(query: string, extensions: unknown): boolean {
  const stored = isObject(extensions) ? extensions["persistedQuery"] : undefined;
  if (stored === undefined || stored === null) return true;
  return isObject(stored) && stored["sha256Hash"] === createHash("sha256").update(query).digest("hex");
}

/** Some servers ignore case. */
function isUnusual(key: string): boolean {
  return (KNOWN.get(key.toLowerCase()) ?? key) !== key;
}

function isObject(value: unknown): value is Parameters {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isProblem(part: GraphqlReading | Problem): part is Problem {
  return "why" in part;
}
