import fc from "fast-check";
import type { Call } from "./builtin-calls.ts";

/** In WebAssembly, and not called here: what cannot be called as such in the Rego of today, and what takes sets, which the questions as JSON have not. OPA's conformance cases have them. */
export const CALLED_ELSEWHERE: readonly string[] = `
  all and any assign eq intersection internal.member_2 internal.member_3 internal.print internal.template_string or re_match set_diff union walk graph.reachable object.union_n
`.trim().split(/\s+/);

const TEXTS = [
  "", "a", "ABC", "É", "İ", "ß", "ſ", "K", "Σς", "😀", "a😀b", "\u00a0a\u00a0", " \t\n a\u2003", "\u0085x", "a,b,,c", "0x10", "1e3", "-0", "01", ".5", "5.", "1_0", " 1", "Inf", "NaN", "true", "9007199254740993",
  "aGk=", "aGk", "a-_8", "YQ", "YR==", "_w==", "/w==", "aG\nk=", "e\u0301", "{}x", "[1,]", " 1 ", "\"\\ud800\"", "\"\\u0000x\"", "1.", "1e", "[1 2]", "\ufeff1", "nul", "'a'", "{a:1}", "\"\n\"", "//x", "\"\\x\"", "[[[[", "{\"a\":1,\"a\":[1.5]}", "<&>\u2028\u0007",
];
const NUMBERS = [0, 1, -1, 0.5, 1.5, 2.5, -1.5, 255, -255, 2.999, 1e15, 4_294_967_296, -4_294_967_296, 0.1];
const NETWORKS = ["10.0.0.0/8", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "10.0.0.1/8", "fe80::/10", "10.0.0.0/08", "010.0.0.0/8", "10.0.0.0/33", "10.0.0.0", "1.2.3/24"];
const ADDRESSES = ["10.1.2.3", "::ffff:10.1.2.3", "::ffff:a01:203", "010.1.2.3", "10.1.2.3/32", "10.0.0.0/8", "::1", "::10.1.2.3", "::a01:203", "64:ff9b::10.1.2.3", "fe80::1%eth0", "1.2.3.4 ", "0x0a.0.0.1", "10.1.2", "::/0", "10.1.2.3/33", ""];
const GLOBS = ["*", "**", "a*", "*.b", "a?c", "[abc]", "[!abc]", "[a-c]", "{a,b}", "{a,{b,c}}", "\\*", "a.**.b", "[a-", "{a", "a}", "{a}}", "[{]", "{a[}]", "a\\", "{a,}b", "", "?", "*😀"];
const PATTERNS = ["", "a", "(?i)É", "\\w", "\\pL", "\\C", "(?s).", "^a$", "a{1001}", "(?P<x>a)", "(?<x>a)", "(?<=a)b", "\\x{1F600}", "[[:word:]]", "\\Qa.b\\E", "(?=a)", "\\z", "\\Z", "a**", "(a)|(b)", "é?", "\\X", "\\\\C", "[\\C]"];
/** Too large for the WebAssembly's own expressions, not for Go's, or nearly so for those. */
const LARGE_PATTERNS = ["\\pL{1000}", "\\pL{1,1000}", "(?i)\\pL{500}", "^[\\pL\\pN ]{1,500}$", "(\\pL+){500}", "(.{1,100}){100}", "(?s).{0,1000}secret.{0,1000}", "(?i)[^\\n]{0,500}password[^\\n]{0,500}", "((?i)\\w{1,63}\\.){1,126}com"];
const product = (name: string, ...lists: readonly (readonly unknown[])[]): Call[] => lists.reduce<unknown[][]>((made, list) => made.flatMap((args) => list.map((arg) => [...args, arg])), [[]]).map((args) => [name, args]);
const each = (names: string, ...lists: readonly (readonly unknown[])[]): Call[] => names.split(" ").flatMap((name) => product(name, ...lists));
const of = (name: string, ...lists: readonly (readonly unknown[])[]): Call[] => lists.map((args) => [name, args]);
const MIXED = [null, true, 1, "a", [1, "a", null], [3, 1, 2], { a: 1, b: { c: [1, 2] } }, [], {}, ["a", "É", "😀"], [[1], [2, [3]]]];

/** OPA's own command cannot print what it makes of these: they are numbers to Go and none to JSON. */
export const UNPRINTABLE_NUMBERS: readonly string[] = ["0x10", "01", ".5", "5.", "+1", "1_0", "1."];

const CHOSEN: readonly Call[] = [
  ...each("to_number", TEXTS.filter((text) => !UNPRINTABLE_NUMBERS.includes(text))),
  ...each("base64.decode base64.is_valid base64.encode base64url.decode base64url.encode json.is_valid json.unmarshal json.marshal lower upper trim_space strings.reverse count regex.is_valid", TEXTS),
  ...each("type_name is_array is_boolean is_null is_number is_object is_set is_string json.marshal count sort max min sum product array.reverse array.flatten object.keys to_number", MIXED),
  ...each("json.marshal", [{ a: 1.5 }, 1e-7, "\u007f\b\f\n\"\\", [1, { b: null }]]), ...each("regex.is_valid", [...PATTERNS, ...LARGE_PATTERNS]),
  ...each("indexof startswith endswith contains trim_prefix trim_suffix split trim trim_left trim_right", TEXTS, ["", "a", "😀", ",", " ", "é"]),
  ...each("replace", TEXTS, ["", "a", "😀"], ["", "y", "aa"]), ...each("substring", TEXTS, [0, 1, -1, 2, 100], [-1, 0, 1, 100]), ...each("concat", ["", ",", "é"], [[], ["a"], ["a", "😀"], [1]]),
  ...of("strings.replace_n", [{ a: "b", b: "c" }, "ab"], [{ aa: "x", a: "y" }, "aaa"], [{ "": "x" }, "ab"], [{}, "a"]),
  ...each("format_int", NUMBERS, [2, 8, 10, 16, 3]), ...each("abs ceil floor round bits.negate", NUMBERS), ...each("plus minus mul div rem bits.and bits.or bits.xor bits.lsh bits.rsh lt lte gt gte equal neq numbers.range", NUMBERS.filter((value) => Math.abs(value) < 300), [0, 1, 3, 1.5, 255]),
  ...each("net.cidr_contains net.cidr_intersects", NETWORKS, ADDRESSES), ...each("glob.match", GLOBS, [[], ["."], null], ["a", "", "a.b", "abc", "{", "b", "😀"]),
  ...each("regex.match", PATTERNS, TEXTS.slice(0, 14)), ...each("regex.match", LARGE_PATTERNS, ["é".repeat(1_000), "a secret Password", "a.b.com"]), ...each("regex.find_all_string_submatch_n", PATTERNS, ["aab", "", "é"], [-1, 1, 0]),
  ...of("array.concat", [[1], [2]], [[], ["a"]]), ...of("array.slice", [[1, 2, 3], -1, 2], [[1, 2, 3], 2, 1], [[1, 2, 3], 0, 9]), ...of("object.get", [{ a: 1 }, "a", 0], [{ a: { b: 2 } }, ["a", "b"], 0], [{ a: [5] }, ["a", 0], 0], [{ a: 1 }, [], 9], [{ a: null }, "a", 1]),
  ...of("json.filter", [{ a: { b: 1, c: 2 } }, ["a/b"]], [{ "a/b": 1 }, ["a~1b"]]), ...of("json.remove", [{ a: { b: 1, c: 2 } }, ["a/b"]], [{ a: [1, 2] }, ["a/0"]]), ...of("object.filter", [{ a: 1, b: 2 }, ["a"]]), ...of("object.remove", [{ a: 1, b: 2 }, ["a", "c"]]),
  ...of("object.union", [{ a: 1, b: { c: 1 } }, { b: { d: 2 } }]),
];

const address = fc.tuple(fc.constantFrom("", "::ffff:", "::"), fc.constantFrom("10.0.0.1", "10.255.0.1", "127.0.0.1", "0.0.0.0", "192.168.1.1")).map((parts) => parts.join(""));
const network = fc.tuple(address, fc.integer({ min: 0, max: 129 })).map((parts) => parts.join("/"));
const coded = fc.string({ unit: fc.constantFrom(..."AaQq09+/-_=="), maxLength: 8 });
const json = fc.string({ unit: fc.constantFrom(..."{}[]\",:01.eE- atrue"), maxLength: 7 }).filter((text) => !/e\d{3}/i.test(text));
const glob = fc.string({ unit: fc.constantFrom(..."ab*?{},[]!-\\."), maxLength: 7 });
const word = fc.string({ unit: fc.constantFrom(..."ab.É😀"), maxLength: 5 });

/** By hand, and drawn from a seed: for the builtins that OPA's WebAssembly carries in itself. @param count of drawn ones for each builtin that has some */
export function wasmCalls(count: number, seed = 6): readonly Call[] {
  const draw = (names: string, args: fc.Arbitrary<readonly unknown[]>): Call[] => names.split(" ").flatMap((name) => fc.sample(args, { numRuns: count, seed }).map((values): Call => [name, values]));
  return [
    ...CHOSEN, ...draw("net.cidr_contains", fc.tuple(network, fc.oneof(address, network))), ...draw("net.cidr_intersects", fc.tuple(network, network)), ...draw("base64.is_valid base64.decode base64url.decode", fc.tuple(coded)),
    ...draw("json.is_valid json.unmarshal", fc.tuple(json)), ...draw("glob.match", fc.tuple(glob, fc.constantFrom([], ["."]), word)), ...draw("indexof", fc.tuple(word, word)), ...draw("replace", fc.tuple(word, word, word)),
    ...draw("format_int", fc.tuple(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), fc.constantFrom(2, 8, 10, 16))),
  ];
}
