import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readGraphql } from "../../../../proxy/readings/graphql.ts";
import { requestHead } from "../../../support/request-head.ts";

const post = (value: unknown, target = "/graphql") => readGraphql(requestHead("POST", target), { value });
const get = (query: string) => readGraphql(requestHead("GET", `/graphql?${query}`), null);
const part = (type: string, fields: string[], name: string | null = null) => ({ type, name, fields });
const read = (...parts: unknown[]) => ({ kind: "read", parts });
const none = { kind: "none", why: expect.any(String) };
const malformed = expect.objectContaining({ code: "request.malformed", explanation: expect.objectContaining({ rule: "read.unclear" }) });

describe("readGraphql reads the operation that will run", () => {
  test.each([
    ["a query", { query: "{ viewer { login } }" }, part("query", ["viewer"])],
    ["a named one", { query: "query Me { me: viewer { login } repo }", operationName: "Me" }, part("query", ["viewer", "repo"], "Me")],
    ["a mutation", { query: "mutation { createIssue(input: {}) { id } }", variables: { a: 1 } }, part("mutation", ["createIssue"])],
    ["a subscription", { query: "subscription S { on }" }, part("subscription", ["on"], "S")],
    ["the one that is named", { query: "query A { a } mutation B { b }", operationName: "B" }, part("mutation", ["b"], "B")],
    ["fields in fragments", { query: "query { ...F ... on Query { c ...F } ... @include(if: false) { d } } fragment F on Query { a ...G } fragment G on Query { b: a2 ...F }" }, part("query", ["a", "a2", "c", "d"])],
    ["fields that directives may leave out", { query: "{ a @skip(if: true) }" }, part("query", ["a"])],
    ["names that are null or empty", { query: "query A { a }", operationName: "", variables: null, extensions: null }, part("query", ["a"], "A")],
  ])("%s", async (_what, body, expected) => { expect(await post(body)).toEqual(read(expected)); });

  test("lines that end as everybody's do, and any letter in texts", async () => {
    expect(await post({ query: "{\r\n\ta(b: \"\u{1f600}\u00e9\u00a0\") # c\u00e9\r\n}" })).toEqual(read(part("query", ["a"])));
  });

  test("each of a batch", async () => {
    expect(await post([{ query: "{ a }" }, { query: "mutation { b }" }])).toEqual(read(part("query", ["a"]), part("mutation", ["b"])));
  });

  test("the query of a GET, a mutation too: servers may run it", async () => {
    expect(await get("query=%7Ba%7D")).toEqual(read(part("query", ["a"])));
    expect(await get("query=mutation+B%7Bb%7D&operationName=B&utm=1")).toEqual(read(part("mutation", ["b"], "B")));
  });

  test("a query beside its own hash", async () => {
    const query = "{ a }";
    const stored = (sha256Hash: string) => ({ query, extensions: { persistedQuery: { version: 1, sha256Hash } } });
    expect(await post(stored(createHash("sha256").update(query).digest("hex")))).toEqual(read(part("query", ["a"])));
    expect(await post(stored("0".repeat(64)))).toEqual(none);
  });
});

describe("readGraphql reads nothing where it cannot tell what will run", () => {
  test.each([
    ["several operations, none named", { query: "query A { a } query B { b }" }], ["a name that is not there", { query: "query A { a }", operationName: "B" }],
    ["an empty name among several", { query: "query A { a } query B { b }", operationName: "" }], ["an operation twice", { query: "query A { a } mutation A { b }", operationName: "A" }],
    ["a fragment that is not there", { query: "{ ...F }" }], ["a fragment twice", { query: "{ ...F } fragment F on Q { a } fragment F on Q { b }" }], ["type definitions", { query: "{ a } type A { b: Int }" }],
    ["a comment that ends at U+2028 to some", { query: "query Q { viewer #\u2028} mutation Q { deleteAll" + "\n}" }], ["U+2029 in a text", { query: '{ a(b: "\u2029") }' }], ["a lone carriage return", { query: "{ a #\r}" }],
    ["a form feed", { query: "{ a\f}" }], ["next line", { query: "{ a #\u0085\n}" }], ["a byte order mark", { query: "\ufeff{ a }" }], ["a zero", { query: "{ a } #\0" }], ["half a surrogate pair", { query: "{ a } #\ud83d" }],
    ["no GraphQL", { query: "{ a" }], ["no query", {}], ["an empty query", { query: "" }], ["no object", 1], ["nothing", null], ["an empty batch", []], ["too large a batch", Array.from({ length: 101 }, () => ({ query: "{ a }" }))],
    ["one of a batch that is none", [{ query: "{ a }" }, {}]], ["a stored query", { extensions: { persistedQuery: { version: 1, sha256Hash: "x" } } }], ["a stored query beside another", { query: "{ a }", documentId: "x" }],
    ["an unusual writing", { Query: "mutation { b }", query: "{ a }" }], ["a name that is no text", { query: "{ a }", operationName: 1 }],
    ["more tokens than are read", { query: `{ ${"a ".repeat(10_001)} }` }], ["deeper than is read", { query: "{a".repeat(4_000) + "}".repeat(4_000) }],
  ])("%s", async (_what, body) => { expect(await post(body)).toEqual(none); });

  test("a stored query in the URL alone, which is refused beside another", async () => {
    expect(await get("doc_id=1")).toEqual(none);
    await expect(get("query=%7Ba%7D&doc_id=1")).rejects.toThrow(malformed);
  });

  test("nothing at all", async () => {
    expect(await get("a=b")).toEqual(none);
    expect(await readGraphql(requestHead("DELETE", "/graphql?query=%7Ba%7D"), null)).toEqual(none);
  });
});

describe("readGraphql refuses what two servers read in two ways", () => {
  test.each(["query=mutation%7Bb%7D", "operationName=B", "extensions=%7B%7D", "Query=x", "query%5B%5D=x", "doc_id=1", "documentId=1", "QueryId=1", "hash%5B%5D=x", "a=1;doc_id=2"])("%s of a POST that has a body", async (query) => {
    await expect(post({ query: "{ a }" }, `/graphql?${query}`)).rejects.toThrow(malformed);
  });

  test.each([["a parameter twice", "query=%7Ba%7D&query=%7Bb%7D"], ["in two writings", "query=%7Ba%7D&QUERY=%7Bb%7D"], ["as a list", "query=%7Ba%7D&query%5B%5D=%7Bb%7D"], ["behind another separator", "query=%7Ba%7D;query=%7Bb%7D"], ["extensions that are no JSON", "query=%7Ba%7D&extensions=x"]])("%s", async (_what, query) => {
    await expect(get(query)).rejects.toThrow(malformed);
  });
});
