import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { parseJsonText } from "../../common/json/parse-json.ts";
import { RegoInstance } from "../../common/rego/rego-instance.ts";
import { builtinsAt } from "../../proxy/policy/builtins.ts";
import { unpackFiles } from "../../proxy/policy/bundles/files.ts";
import { compileCorrected } from "../../proxy/policy/corrected-module.ts";
import { hostCalls } from "../../proxy/policy/host-calls.ts";
import { runOpa, type Opa } from "../../proxy/policy/opa.ts";

/** A folder's file of functions with two arguments, and arguments for them as JSON text: numbers are to be as they are written. */
export interface Shape {
  readonly name: string;
  readonly pairs: readonly string[];
}

/** What the interpreter and the WebAssembly made of the same. */
export interface Comparison {
  readonly equal: number;
  /** Calls over which the WebAssembly stopped: nothing is allowed then. */
  readonly stopped: number;
  readonly different: readonly string[];
}

const NUMBERS = `0 -0 -0.0 1 1.0 1e0 2 1e2 100 -1 -3 0.5 2.5 9007199254740991 9007199254740993 9223372036854775807 9223372036854775808 18446744073709551616
  -9223372036854775808 100000000000000000000 1e308 0.1 1e-7 1e400 "1" null`.split(/\s+/);
/** Without what docs/policy-builtins.md says of numbers that are calculated with. */
const SMALL = "0 -0 1 1.0 1e0 2 1e2 100 -1 -3 0.5 2.5 4.25 1000000007 \"1\" null".split(" ");
const TEXTS: readonly string[] = [
  "", "a", "b", "a.b", "a/b", "/a/b", "~0", "~1", "A", "É", "é", "e\u0301", "İ", "ı", "ß", "ſ", "K", "ﬁ", "ǆ", "ΑΣ", "😀", "a😀b", "👩‍👩‍👧", "\u{10ffff}", "\uffff", "\ufffd", "\ufeff", "\u0000", "a\u0000b", "\u2028", "\u0085", "\u200b",
  " a ", "\t\n", "<&>", "\"", "\\", "\\\"", "%", "%00", "%C3%28", "a=b&c", "1", "-1", "1e3", "1.0", "1e-400", "NaN", "1.5.0", "1.0.0", "1.0.0-a", "v1.0.0", "1.0.0+x", "1.0.0-01", "[1.0]", "{\"a\":1e2,\"a\":2}", "\"\\ud800\"", "\"\\ud83d\\ude00\"",
  "[1", "null", "{\"\":\"\\u0000\"}", "[[[[[[]]]]]]", "1e1000", "1e40000", "YQ==", "YQ", "/w==", "w6k=", "6869", "c3a9", "2026-11-21T10:20:30Z", "2026-11-21T23:59:60Z", "2026-02-29T00:00:00Z", "2024-02-29T00:00:00+23:59", "0001-01-01T00:00:00Z",
  "1h", "1h1h", "-1h", "1.5h", "10Ki", "10kib", "10.0.0.0/8", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fe80::/10", "*", "**", "a*", "[a-z]", "[^a]", "[!a]", "{a,b}", "{a,{b,é}}", "?", "??", "\\*", "[", "]", "{", "}", "[]", "[a", "a{2}", "(a|b)+", "(?i)É",
  "\\d", "\\pL+", "^$", "$", "\\b", "(?P<x>a)", "(?<x>a)", "(?:", "a{0,1001}", "[[:alpha:]]", "\\x00", ".", "(?s).", "\\x{1F600}", "é*", "^a\u0000", "[\u0000]", "eyJhbGciOiJub25lIn0.eyJhIjoxZTIsImIiOjF9.", "eyJhbGciOiJub25lIn0.WzFd.eA", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
];
const VALUES = `null true false 0 1 -1 2 1.5 "" "x" "k" "1" "0" "é" "😀" "\\u0000" [] [1] ["x",1] [1,2,3] [null] [[1],[2]] ["k",0] ["x","y",1,"z"] {} {"k":1} {"k":{"k":[1]}} {"x":1,"k":null} {"1":1}
  {"a":{"b":[1,{"c":2}]}} {"":0} {"k":"k"} [{"k":1},{"m":1}] [1,2.0,"1"] 9007199254740993 [false,true] ["1","2x","3"] {"a":"1","b":"x"}`.split(/\s+/);
const GLOB_PARTS = ["*", "**", "?", "[ab]", "[!a]", "[a-c]", "{a,b}", "{a*,$b}", "\\$", "\\*", "a", "b", "$", "^", "(", ")", "+", "|", ".", "-", "/", "é", "[^a]", "[$]", "{a}", "[a-]", "x{2}", "\\", "\u0000", "[\\x00]"];
const GLOB_TEXT = ["a", "\n", "b", "$", "^", "(", ")", "+", "|", ".", "-", "/", "é", "\u0000", "x2"];

const pairsOf = (ours: readonly string[], theirs = ours): string[] => ours.flatMap((a) => theirs.map((b) => `[${a},${b}]`));

/** @param count of pairs for each file, drawn from all that there are */
export function shapes(count: number, seed: number): readonly Shape[] {
  const texts = TEXTS.map((text) => JSON.stringify(text));
  const glob = fc.tuple(fc.array(fc.constantFrom(...GLOB_PARTS), { minLength: 1, maxLength: 4 }), fc.array(fc.constantFrom(...GLOB_TEXT), { maxLength: 4 }));
  const drawn = fc.sample(glob, { numRuns: count, seed }).map(([pattern, text]) => JSON.stringify([pattern.join(""), text.join("")]));
  const all: readonly Shape[] = [
    { name: "numbers", pairs: pairsOf(NUMBERS) }, { name: "arithmetic", pairs: pairsOf(SMALL) }, { name: "texts", pairs: pairsOf(texts) }, { name: "values", pairs: pairsOf(VALUES) },
    // A text that is no glob matches itself, and most that are one do not.
    { name: "globs", pairs: [...drawn, ...GLOB_TEXT.map((text) => JSON.stringify([text, text]))] },
  ];
  return all.map(({ name, pairs }) => ({ name, pairs: pairs.length <= count ? pairs : fc.sample(fc.constantFrom(...pairs), { numRuns: count, seed }) }));
}

/** @param folder where the questions are written and built */
export async function compareShape(opa: Opa, { name, pairs }: Shape, folder: string): Promise<Comparison> {
  const source = await readFile(new URL(`shapes/${name}.rego`, import.meta.url), "utf8");
  const functions = [...source.matchAll(/^(f_[a-z0-9_]+)\(/gm)].map(([, found]) => found ?? "");
  const files = await write(folder, { name, source, functions, pairs });
  const asked = await runOpa(opa, ["eval", "--format", "raw", ...files.flatMap((file) => ["-d", file]), "-d", join(folder, `${name}.json`), "data.calls.answers"]);
  const built = join(folder, `${name}.tar.gz`);
  const build = await runOpa(opa, ["build", "--target", "wasm", "--entrypoint", "calls/all", "--output", built, ...files]);
  for (const run of [asked, build]) if (run.exitCode !== 0) throw new Error(`${run.stdout}${run.stderr}`.slice(0, 2_000));
  const theirs = parse(asked.stdout) as readonly Readonly<Record<string, unknown>>[];
  const ask = await asker(built);
  let [equal, stopped] = [0, 0];
  const different: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    for (const one of functions) {
      const [ours, wanted] = [ask(`{"args":${pair},"only":"${one}"}`, one), canonical(theirs[index]?.[one])];
      if (ours === "stopped") stopped += 1;
      else if (ours === wanted) equal += 1;
      else different.push(`${name}.${one}(${pair}) is ${ours} in place of ${wanted}`);
    }
  }
  return { equal, stopped, different };
}

/** The functions, and rules that call all of them or one. @returns the Rego files */
async function write(folder: string, { name, source, functions, pairs }: Shape & { readonly source: string; readonly functions: readonly string[] }): Promise<readonly string[]> {
  const [own, calls] = [join(folder, `${name}.rego`), join(folder, `${name}-calls.rego`)];
  const rules = functions.flatMap((one) => ["not input.only", `input.only == "${one}"`].map((when) => `all["${one}"] := x if {\n\t${when}\n\tx := data.shapes.${one}(input.args[0], input.args[1])\n}\n`));
  await writeFile(own, source);
  await writeFile(calls, `package calls\n\n${rules.join("\n")}\nanswers := [x | some question in data.questions; x := data.calls.all with input as question]\n`);
  await writeFile(join(folder, `${name}.json`), `{"questions":[${pairs.map((pair) => `{"args":${pair}}`).join(",")}]}`);
  return [own, calls];
}

async function asker(built: string): Promise<(input: string, one: string) => string> {
  const module = await compileCorrected(new Uint8Array((await unpackFiles(await readFile(built))).get("policy.wasm") ?? []));
  let instance: RegoInstance | null = null;
  return (input, one) => {
    instance ??= new RegoInstance({ module, data: "{}", memoryLimitBytes: 64 << 20, hostCalls: hostCalls(builtinsAt(() => 1_763_712_345_678)) });
    try {
      const [found] = parse(instance.evaluate("calls/all", input)) as readonly { readonly result: Readonly<Record<string, unknown>> }[];
      return canonical(found?.result[one]);
    } catch {
      instance = null;
      return "stopped";
    }
  };
}

/** JSON with each number as a text of its exact worth. */
function parse(json: string): unknown {
  return parseJsonText(json, worthOf);
}

function worthOf(source: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const bare = digits.replace(/0+$/, "");
  return bare === "" ? "#0" : `#${sign}${bare}e${Number(exponent) - fraction.length + digits.length - bare.length}`;
}

/** The same for equal values. A set is a list in JSON, in an order of its own: lists are compared as if they were sets, and so are those inside of text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return `{${Object.entries(value).map(([key, of]) => `${JSON.stringify(key)}:${canonical(of)}`).sort().join(",")}}`;
}
