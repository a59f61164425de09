import { expect, test } from "vitest";
import * as z from "zod";
import { ConfigDocument } from "../../../common/config-document.ts";
import { describeIssues, plainWords } from "../../../common/config-problems.ts";

const schema = z.strictObject({
  host: z.string().min(1), port: z.number(), effect: z.enum(["allow", "deny"]), methods: z.array(z.string()).min(1),
  own: z.string({ error: ({ input }) => (input === undefined ? "is missing" : undefined) }),
});

function problemsOf(text: string, isOverridden = () => false): string[] {
  const document = new ConfigDocument(text);
  const parsed = schema.safeParse(document.value, { error: plainWords });
  return describeIssues(parsed.error?.issues ?? [], { schema, document, isOverridden });
}

const FIT = { host: "host: a", port: "port: 1", effect: "effect: deny", methods: "methods: [GET]", own: "own: x" };
const written = (change: Partial<typeof FIT>): string => Object.values({ ...FIT, ...change }).filter((line) => line !== "").join("\n");

test("a fit configuration has none", () => { expect(problemsOf(written({}))).toEqual([]); });

test.each([
  ["a key that is mistyped", { host: "hots: a" }, ["host: must be given", "line 1: hots: unknown key; did you mean host?"]],
  ["a key that is like none", { own: "own: x\nzzzzzz: 1" }, ["line 6: zzzzzz: unknown key; check the spelling"]],
  ["a value of another type", { port: "port: soon" }, ["line 2: port: must be a number, not text"]],
  ["a value that was left out", { port: "port:" }, ["line 2: port: must be a number, not nothing"]],
  ["a word that is none of several", { effect: "effect: no" }, ["line 3: effect: must be one of allow, deny"]],
  ["an empty list", { methods: "methods: []" }, ["line 4: methods: must not be empty"]],
  ["words of the schema's own", { own: "" }, ["own: is missing"]],
])("%s is said in plain words with its line", (_what, change, problems) => { expect(problemsOf(written(change))).toEqual(problems); });

test("what the command line says has no line in the file", () => {
  expect(problemsOf(written({ port: "port: soon" }), () => true)).toEqual(["port: must be a number, not text"]);
});
