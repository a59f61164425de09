import { expect, test } from "vitest";
import * as z from "zod";
import { ConfigError, parseConfig } from "../../../common/config.ts";

const schema = z.strictObject({
  connectTimeoutMs: z.number().int().positive().default(5_000),
  vault: z.strictObject({ address: z.url(), tokenFile: z.string() }).optional(),
  sinks: z.array(z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("https"), url: z.url() }),
    z.strictObject({ type: z.literal("syslog"), host: z.string() }),
  ])).default([]),
});

function problemsOf(text: string): readonly string[] {
  try {
    parseConfig(schema, "weir.yaml", text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test("an empty file gives the defaults", () => {
  expect(parseConfig(schema, "weir.yaml", "")).toEqual({ connectTimeoutMs: 5_000, sinks: [] });
});

test("values of the command line win over the file, key by key", () => {
  const parsed = parseConfig(schema, "weir.yaml", "vault: {address: 'https://a.example', tokenFile: t}", { vault: { tokenFile: "u" }, connectTimeoutMs: undefined });
  expect(parsed.vault).toEqual({ address: "https://a.example", tokenFile: "u" });
});

test("all problems are listed at once, each with its path", () => {
  const problems = problemsOf("connectTimeoutMs: soon\nvautl: {}\nvault: {address: nope}\n");
  expect(problems).toHaveLength(4);
  expect(problems.join("\n")).toMatch(/connectTimeoutMs: .*number/);
  expect(problems).toContain("line 2: vautl: unknown key; did you mean vault?");
  expect(problems.join("\n")).toMatch(/vault\.address: /);
  expect(problems.join("\n")).toMatch(/vault\.tokenFile: /);
});

test("a problem inside a list names the entry", () => {
  expect(problemsOf("sinks: [{type: https, url: 'https://a.example'}, {type: https, url: x}]").join("\n")).toMatch(/^line 1: sinks\.1\.url: /);
});

test.each([
  ["a duplicate key", "connectTimeoutMs: 1\nconnectTimeoutMs: 2\n", /line 2: .*unique/],
  ["broken YAML", "vault: {address: 'x'\n", /line \d+: /],
  ["a list at the top", "- 1\n", /\(top level\): /],
  ["a scalar at the top", "hello\n", /\(top level\): /],
])("%s is one clear problem", (_, text, message) => {
  expect(problemsOf(text).join("\n")).toMatch(message);
});

test("an alias bomb is refused and not expanded", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]", "b: &b [*a,*a,*a,*a,*a,*a,*a,*a]", "c: [*b,*b,*b,*b,*b,*b,*b,*b]"].join("\n");
  expect(() => parseConfig(schema, "weir.yaml", bomb)).toThrow(/alias/i);
});

test("a value of the command line that is wrong is not blamed on a line of the file", () => {
  const text = "sinks: []\nconnectTimeoutMs: 1\n";
  expect(() => parseConfig(schema, "weir.yaml", text, { connectTimeoutMs: "soon" })).toThrow("  connectTimeoutMs: must be a number, not text");
  expect(() => parseConfig(schema, "weir.yaml", "sinks: []\nconnectTimeoutMs: soon\n")).toThrow("  line 2: connectTimeoutMs: must be a number, not text");
});

test("text that cannot be read at all is a configuration error, too", () => {
  expect(() => parseConfig(schema, "weir.yaml", "[".repeat(20_000))).toThrow(ConfigError);
});

test("a configuration error exits 78", () => {
  expect(() => parseConfig(schema, "weir.yaml", "x: 1")).toThrow(expect.objectContaining({ exitCode: 78 }));
});

test.each([
  ["the page of the proxy and of weir, if nothing else is said", "weir.yaml", "docs/configuration.md"],
  ["the page of the program that it belongs to", { name: "controller.yaml", reference: "docs/controller-configuration.md" }, "in docs/controller-configuration.md."],
] as const)("a wrong configuration points to %s", (_what, from, page) => {
  expect(() => parseConfig(schema, from, "nonsense: 1")).toThrow(expect.objectContaining({ hint: expect.stringContaining(page) as string }));
});
