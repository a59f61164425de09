import fc from "fast-check";

/** A call of a builtin: its name and its arguments as JSON has them. */
export type Call = readonly [name: string, args: readonly unknown[]];

const NOON = 1_763_712_345_000_000_000;
const each = (name: string, ...lists: readonly (readonly unknown[])[]): Call[] => lists.map((args) => [name, args]);

/** By hand: what is usual, what is at an edge, and what is an error in OPA and then undefined. */
const CHOSEN: readonly Call[] = [
  ...each("sprintf", ["%s is %d of %v", ["a", 3, [1, "b"]]], ["%5d|%-5d|%05d|%+d", [42, 42, 42, 42]], ["%x %X %#x %b %o %c %U %q", [255, 255, 255, 5, 8, 65, 65, 65]], ["%.2f %8.3f %e %g", [1.005, 3.14159, 12_345.678, 0.000_01]],
    ["%v %v %v %v", [true, null, { b: 1, a: [2] }, 1.5]], ["%d %s", ["x", 5]], ["%d", []], ["a", [1]], ["%", []], ["%!", [1]], ["%[2]s %[1]s", ["a", "b"]], ["%[3]s", ["a"]], ["%*d|%-*d", [5, 1, 5, 1]], ["%q %x %X % x", ["a\"b\n\u0001é", "hi", "hi", "hi"]],
    ["%8s|%-8s|%.2s|%%", ["é", "é", "héllo"]], ["%t", [true]], ["%T %T %T", [1, 1.5, "a"]], ["%.0f %.0f %.1f", [0.5, 2.5, 0.25]], ["%v", [1e21]], ["%v %v", [123_456_789.5, 0.000_012_3]], ["%f %.1f %.0F", [1.5e21, 1.5e300, 1.25e22]]),
  ...each("time.parse_rfc3339_ns", ["2026-11-21T10:20:30Z"], ["2026-11-21T10:20:30.123456789+02:00"], ["1969-12-31T23:59:59.5Z"], ["2026-11-21t10:20:30Z"], ["2026-02-30T00:00:00Z"], ["yesterday"], ["2026-11-21T10:20:30"], ["2300-01-01T00:00:00Z"], ["2026-11-21T24:00:00Z"]),
  ...["time.weekday", "time.date", "time.clock"].flatMap((name) => each(name, [NOON], [0], [-1], [[NOON, "Europe/Paris"]], [[NOON, "America/New_York"]], [[NOON, ""]], [[NOON, "UTC"]], [[NOON, "Asia/Kathmandu"]], [[NOON, "Nowhere/At_All"]], [[NOON, "europe/paris"]], [[NOON, "+01:00"]], [1e30], [1.5], [[]])),
  ...each("time.add_date", [NOON, 0, 1, 10], [NOON, -1, 0, 0], [1_772_236_800_000_000_000, 0, 0, 3], [[1_774_681_200_000_000_000, "Europe/Paris"], 0, 0, 1], [1_761_868_800_000_000_000, 0, 1, 0], [NOON, 400, 0, 0], [NOON, 1.5, 0, 0]),
  ...each("time.diff", [NOON, 0], [0, NOON], [[NOON, "Asia/Tokyo"], 1_700_000_000_000_000_000], [1_772_236_800_000_000_000, 1_774_828_800_000_000_000], [NOON, NOON]),
  ...each("time.format", [NOON], [[NOON, "Europe/Paris"]], [[NOON, "UTC", "RFC1123"]], [[NOON, "UTC", "Mon Jan _2 15:04:05 2006"]], [[NOON, "Asia/Tokyo", "2006-01-02T15:04:05.000-07:00"]], [[NOON, "UTC", "3:04PM 02/01/06 002 __2"]], [[NOON, "America/New_York", "Monday, January 2 Z0700 Z07:00:00 .999 ,000000"]], [[123, "UTC", "15:04:05.999999999"]], [[NOON, "UTC", "MST"]], [[NOON, "UTC", "RFC3339Nano"]]),
  ...each("time.parse_ns", ["2006-01-02", "2026-11-21"], ["RFC1123", "Sat, 21 Nov 2026 10:20:30 UTC"], ["RFC1123Z", "Sat, 21 Nov 2026 10:20:30 -0500"], ["Jan _2 2006 3:04PM", "Nov  1 2026 1:05AM"], ["2006-01-02 15:04:05.000", "2026-11-21 10:20:30.125"], ["2006-01-02 15:04:05", "2026-11-21 10:20:30.5"], ["2006-01-02", "2026-13-01"], ["2006-01-02", "2026-11-21 "], ["2006-002", "2026-366"], ["2006-002", "2024-366"], ["RFC850", "Saturday, 21-Nov-26 10:20:30 CET"], ["15:04", "10:20"], ["06-1-2", "69-1-2"]),
  ...each("time.parse_duration_ns", ["1h30m"], ["-1.5s"], ["100ms"], ["1d2h"], ["1w"], ["1.5y"], ["0"], ["1"], [""], ["3µs"], ["1h-3m"], [".5m"], ["9999999h"], ["1.s"], ["."], ["1D"], ["6.85d"], ["0.1w"], ["1.23456789y3.3h"]),
  ...each("semver.is_valid", ["1.2.3"], ["1.2"], ["1.2.3-rc.1+b"], ["v1.2.3"], [1], ["01.2.3"], ["1.2.3-01"], ["99999999999999999999.0.0"], ["1.2.3-"], ["1.2.3+"]),
  ...each("semver.compare", ["1.2.3", "1.10.0"], ["1.2.3", "1.2.3-rc.1"], ["1.0.0-alpha.1", "1.0.0-alpha.beta"], ["1.0.0-2", "1.0.0-10"], ["1.0.0", "1.0.0"], ["1.0.0-a", "1.0.0-a.b"], ["v1.2.3", "1.2.4"], ["1.0.0+a", "1.0.0+b"], ["1", "1.0.0"]),
  ...each("net.cidr_is_valid", ["10.0.0.0/8"], ["10.0.0.0"], ["fd00::/8"], ["10.0.0.0/33"], ["010.0.0.0/8"], ["10.0.0.0/08"], ["fe80::1%eth0/64"], [1], ["10.0.0/8"]),
  ...each("net.cidr_expand", ["10.0.0.0/30"], ["10.0.0.1/31"], ["fd00::/126"], ["10.0.0.0"], ["255.255.255.255/32"]),
  ...each("net.cidr_merge", [["10.0.0.0/9", "10.128.0.0/9"]], [["10.0.0.0/24", "10.0.2.0/24"]], [["10.0.0.0/24", "10.0.1.0/24", "10.0.3.0/24"]], [["fd00::/9", "fd80::/9", "10.0.0.0/8"]], [["192.168.1.5"]], [["fd00::1"]], [[]], ["x"], [["::/1", "8000::/1"]], [["10.0.0.0/8", "10.1.0.0/16"]]),
  ...each("net.cidr_contains_matches", ["10.0.0.0/8", "10.1.2.3"], [["10.0.0.0/8", "fd00::/8"], ["10.1.0.0/16", "fd00::1", "192.168.0.1"]], [{ a: "10.0.0.0/8" }, [["10.1.2.3", "x"]]], [["10.0.0.0/8"], ["nothing"]], [["10.0.0.0/8"], [1]]),
  ...each("glob.quote_meta", ["*.a?b[c]{d}\\!,"], ["a-b^c$d(e)|f"]),
  ...each("hex.encode", ["héllo"], [""]), ...each("hex.decode", ["68656c6c6f"], ["zz"], ["6"], ["C3a9"]),
  ...["crypto.md5", "crypto.sha1", "crypto.sha256"].flatMap((name) => each(name, ["héllo"], [""])),
  ...["crypto.hmac.md5", "crypto.hmac.sha1", "crypto.hmac.sha256", "crypto.hmac.sha512"].flatMap((name) => each(name, ["héllo", "key"], ["", ""])),
  ...each("crypto.hmac.equal", ["a", "a"], ["a", "b"]),
  ...each("base64url.encode_no_pad", ["a?>b"], [""]),
  ...each("urlquery.encode", ["a b&c=ü/~*"], ["!'()-_.é\n"]), ...each("urlquery.decode", ["a+b%26"], ["%C3%A9%7e"], ["%"], ["%zz"]),
  ...each("urlquery.encode_object", [{ a: "b c", d: ["e", "f"] }], [{}], [{ a: 1 }], [{ "a&": [] }], ["x"]),
  ...each("urlquery.decode_object", ["a=b+c&d=e&d=f"], [""], ["a"], ["a=%zz"], ["a;b=c"], ["&&a=1&"]),
  ...each("io.jwt.decode", ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibiI6MTIzNDU2Nzg5MDEyMzQ1Njc4OTB9.c2ln"], ["a.b"], ["a.b.c"], ["e30.e30."], ["e30=.e30.x"], ["eyJlbmMiOiJ4In0.e30.e30"]),
  ...each("object.subset", [{ a: 1, b: { c: [1, 2, 3] } }, { b: { c: [2, 3] } }], [{ a: 1 }, { a: 2 }], [[1, 2, 3], [2, 3]], [[1, 2, 3], [1, 3]], [[], []], [[1], 1], [{ a: 1 }, {}], [[1, 1, 2], [1, 2]]),
  ...each("graph.reachable_paths", [{ a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, ["a"]], [{ a: ["b"], b: ["a"] }, ["a"]], [{ a: ["x"] }, ["a", "z"]], [{ a: [] }, ["a"]], [{ a: ["a"] }, ["a"]], [{}, "a"]),
  ...each("numbers.range_step", [0, 10, 3], [10, 0, 3], [1, 1, 1], [0, 10, 0], [0, 10, -1], [0, 1.5, 1]),
  ...each("strings.count", ["cheese", "e"], ["é€", ""], ["aaa", "aa"]), ...each("indexof_n", ["banana", "ana"], ["é€é", "é"], ["a", ""], ["a", "b"]),
  ...["strings.any_prefix_match", "strings.any_suffix_match"].flatMap((name) => each(name, ["abc", "ab"], ["abc", ["x", "bc"]], [["abc", "x"], ["x"]], [[], ["a"]], ["a", []], ["a", [1]])),
  ...each("regex.replace", ["foo bar", "(o+) (?P<w>b)", "<$1-${w}-$2-$$>"], ["abc", "", "-"], ["foo", "^[a-z]", "F"], ["aaa", "a*", "b"], ["x", "(", "y"], ["é€é", "é", "$0$0"], ["ab", "(a)(b)?", "$1x"]),
  ...each("regex.split", ["a*", "baac"], [",", "a,b,,c"], ["", "abc"], ["x", ""], ["(", "a"], ["^", "ab"], ["$", "ab"]),
  ...each("regex.find_n", ["a+", "aabaaa", -1], ["a+", "aabaaa", 1], ["a*", "baac", -1], ["(", "a", 1], ["a", "b", -1], ["a", "aaa", 0]),
  ...each("regex.template_match", ["urn:foo:{.*}", "urn:foo:bar", "{", "}"], ["urn:foo:<[0-9]{2,3}>", "urn:foo:12", "<", ">"], ["a{b", "ab", "{", "}"], ["a.b", "axb", "{", "}"], ["{(}", "x", "{", "}"], ["x", "x", "{{", "}"]),
  ...each("units.parse", ["10"], ["1.5k"], ["3Mi"], ["100m"], ["1M"], ["2e3"], ["x"], ["1 k"], ["0.0001m"], ["-3.5E2m"], ["1e"], ["5K"], ["1kB"]),
  ...each("units.parse_bytes", ["10"], ["1.5kb"], ["3MiB"], ["1GB"], ["2e3"], ["x"], ["1 k"], ["0.5"], ["1.7k"], ["\"10kb\""], ["10ee"]),
  ...each("uuid.parse", ["00000000-0000-0000-0000-000000000000"], ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], ["urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"], ["{6ba7b8109dad11d180b400c04fd430c8}"], ["6ba7b8109dad21d1c0b401c04fd430c8"], ["nothing"], ["000003e8-cbb9-21ea-b201-00045a86c8a1"], ["\n6ba7b810-9dad-11d1-80b4-00c04fd430c8\n"], ["ffffffff-ffff-1fff-80b4-00c04fd430c8"], ["00000000-0000-1000-80b4-00c04fd430c8"]),
];

const word = fc.string({ unit: fc.constantFrom(..."aAbB01 %é€-_.:/+&=;,\\\"{}"), maxLength: 12 });
const instant = fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }).map((seconds) => seconds * 1_000_000_000);
const zone = fc.constantFrom("UTC", "Europe/Paris", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe");
const number = fc.oneof(fc.integer({ min: -100_000, max: 100_000 }), fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter((value) => !Object.is(value, -0)));
const verb = fc.tuple(fc.constantFrom("", "+", "-", "0", "#", " "), fc.constantFrom("", "4", "12"), fc.constantFrom("", ".0", ".3"), fc.constantFrom("d", "v", "s", "x", "q", "e", "f", "g", "t")).map((parts) => `%${parts.join("")}`);
const version = fc.tuple(fc.nat(12), fc.nat(12), fc.nat(12), fc.constantFrom("", "-a", "-a.1", "-1", "-a.b", "-01", "+m")).map(([a, b, c, rest]) => `${a}.${b}.${c}${rest}`);
const network = fc.tuple(fc.nat(255), fc.nat(255), fc.constantFrom(0, 128, 192), fc.integer({ min: 20, max: 33 })).map(([a, b, c, bits]) => `10.${a}.${b}.${c}/${bits}`);
const layout = fc.array(fc.constantFrom("2006", "01", "02", "15", "04", "05", "Jan", "Mon", "-0700", "Z07:00", ".000", "PM", "3", " ", "T", "-", ":"), { maxLength: 8 }).map((parts) => parts.join(""));
const pattern = fc.constantFrom("a", "a*", "(a|b)+", "[^a]", "\\d+", "^a", "b$", ".", "(?i)AB", "é?", "a{2,3}", "(", "\\b");

/** The same each time: from a seed, and as many of each. */
function drawn(count: number, seed: number): Call[] {
  const draw = (name: string, args: fc.Arbitrary<readonly unknown[]>): Call[] => fc.sample(args, { numRuns: count, seed }).map((values) => [name, values]);
  return [
    ...draw("time.date", instant.chain((ns) => zone.map((name) => [[ns, name]]))), ...draw("time.clock", instant.chain((ns) => zone.map((name) => [[ns, name]]))),
    ...draw("time.diff", fc.tuple(fc.tuple(instant, zone), fc.tuple(instant, zone))), ...draw("time.add_date", fc.tuple(fc.tuple(instant, zone), fc.integer({ min: -20, max: 20 }), fc.integer({ min: -30, max: 30 }), fc.integer({ min: -400, max: 400 }))),
    ...draw("time.format", fc.tuple(instant, zone, layout).map((value) => [value])),
    // What is not supplied is left out, and characters that one of the two may not know yet.
    ...draw("sprintf", fc.tuple(verb, number).filter(([format, value]) => !(format.includes("#") && !Number.isInteger(value)) && !(format.endsWith("q") && Math.abs(value) >= 0x250)).map(([format, value]) => [`<${format}>`, [value]])),
    ...draw("sprintf", fc.tuple(verb, word).map(([format, value]) => [`<${format}>`, [value]])), ...draw("sprintf", fc.tuple(word, fc.array(fc.oneof(number, word), { maxLength: 2 }))),
    ...draw("semver.compare", fc.tuple(version, version)), ...draw("net.cidr_merge", fc.array(network, { maxLength: 6 }).map((list) => [list])), ...draw("net.cidr_contains_matches", fc.tuple(fc.array(network, { maxLength: 4 }), fc.array(network, { maxLength: 4 }))),
    ...draw("urlquery.encode", fc.tuple(word)), ...draw("urlquery.decode_object", fc.tuple(word)), ...draw("urlquery.encode_object", fc.dictionary(word, fc.oneof(word, fc.array(word, { maxLength: 2 }))).map((object) => [object])),
    ...draw("regex.replace", fc.tuple(word, pattern, word)), ...draw("regex.split", fc.tuple(pattern, word)), ...draw("regex.find_n", fc.tuple(pattern, word, fc.integer({ min: -1, max: 3 }))),
    ...draw("units.parse_bytes", fc.tuple(fc.tuple(fc.nat(2_000), fc.constantFrom("", ".5", ".25e1"), fc.constantFrom("", "k", "KiB", "mb", "Gi", "x")).map((parts) => parts.join("")))),
    ...draw("units.parse", fc.tuple(fc.tuple(fc.nat(2_000), fc.constantFrom("", ".5", ".123456789012"), fc.constantFrom("", "k", "Ki", "m", "M", "G", "x")).map((parts) => parts.join("")))),
    ...draw("strings.count", fc.tuple(word, word)), ...draw("indexof_n", fc.tuple(word, word)),
    ...draw("time.parse_duration_ns", fc.tuple(fc.array(fc.tuple(fc.nat(90), fc.constantFrom("", ".5", "."), fc.constantFrom("ns", "us", "ms", "s", "m", "h", "d", "w", "")), { maxLength: 3 }).map((parts) => parts.flat().join("")))),
  ];
}

/** @param count of drawn ones for each builtin that has some */
export function builtinCalls(count: number, seed = 6): readonly Call[] {
  return [...CHOSEN, ...drawn(count, seed)];
}
