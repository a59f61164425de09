import fc from "fast-check";
import { expect, test } from "vitest";
import { askedBy } from "../../../../proxy/mcp/asked.ts";
import { readRequest } from "../../../../proxy/mcp/read-request.ts";
import { mcpHead } from "../../../support/mcp/mcp-head.ts";

const head = mcpHead();
const space = fc.constantFrom("", " ", "\n\t ", " ".repeat(700));
/** Whole numbers in all the writings that JSON has for them, and texts. */
const id = fc.oneof(
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String), fc.integer().map((value) => `${value}.0`), fc.integer({ min: 0, max: 999 }).map((value) => `${value}e1`),
  fc.string().filter((text) => text.isWellFormed()).map((text) => JSON.stringify(text)),
);
const message = fc.record({
  id: fc.option(id, { nil: null }), before: space, after: space, isLast: fc.boolean(),
  params: fc.constantFrom(`{"id":5,"x":[{"id":6}]}`, `{"_meta":{"id":"a"}}`, "{}"),
}).map(({ id: written, before, after, isLast, params }) => {
  const members = [`"jsonrpc":"2.0"`, `"method":"custom/do"`, `"params":${params}`];
  if (written !== null) members.splice(isLast ? 3 : 0, 0, `"id"${before}:${after}${written}${before}`);
  return `${before}{${members.join(`,${after}`)}}`;
});
const body = fc.oneof(message, fc.array(message, { minLength: 1, maxLength: 5 }).map((all) => `\n[${all.join(",")}]`));

test("what is kept of a body that was parsed once is what a second look at it finds, each id as it was written", () => {
  fc.assert(fc.property(body, (text) => {
    const bytes = Buffer.from(text);
    const read = (() => {
      try {
        return readRequest(head, bytes);
      } catch {
        return null; // Two requests of one id.
      }
    })();
    fc.pre(read?.kind === "read");
    expect(JSON.stringify(read?.kind === "read" ? read.asked : null)).toBe(JSON.stringify(askedBy(head, bytes)));
  }), { numRuns: 300 });
});

test("of a batch, each request keeps its own id and method, whatever stands between them", () => {
  const text = `[{"jsonrpc":"2.0","id":9007199254740993,"method":"a"},{"jsonrpc":"2.0","method":"notifications/x"},{"id":1.0,"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","id":7,"result":{"id":8}}]`;
  const read = readRequest(head, Buffer.from(text));
  expect(JSON.stringify(read.kind === "read" ? read.asked : null)).toBe(`{"era":"session","isBatch":true,"requests":[{"id":9007199254740993,"method":"a"},{"id":1.0,"method":"b"}]}`);
});

test("what is no message asks for nothing", () => {
  for (const text of ["", "{", "[]", "{}", `{"jsonrpc":"1.0","id":1,"method":"a"}`, "7"]) expect(askedBy(head, Buffer.from(text))).toBeNull();
});
