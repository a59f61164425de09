import { decode, encode } from "dns-packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseQuery, type Malformed, type Query } from "../../../../proxy/dns/parse-query.ts";
import { RCODE, TYPE } from "../../../../proxy/dns/wire.ts";
import { anOpt, aQuery, labels } from "../../../support/dns-packets.ts";

const accepted = (message: Buffer): Query => {
  const parsed = parseQuery(message);
  if (parsed.kind === "malformed") throw new Error(parsed.detail);
  return parsed.query;
};
const refused = (message: Buffer): Malformed => {
  const parsed = parseQuery(message);
  if (parsed.kind === "query") throw new Error(`accepted ${parsed.query.name}`);
  return parsed;
};

describe("an acceptable query", () => {
  test("is read: name in lower case, question as it came", () => {
    const message = aQuery({ name: labels("Api", "Example", "TEST") });
    expect(accepted(message)).toMatchObject({ id: 0x1234, name: "api.example.test", type: TYPE.a, hasEdns: false, repeatedFlags: 0x0100 });
    expect(accepted(message).question).toEqual(message.subarray(12));
  });

  test("may be what a codec of others writes", () => {
    const message = encode({ type: "query", id: 7, flags: 0x0100, questions: [{ type: "AAAA", name: "a.test" }], additionals: [{ type: "OPT", name: ".", udpPayloadSize: 1_232, flags: 0x8000, options: [{ code: "CLIENT_SUBNET", ip: "192.0.2.0" }] } as never] });
    expect(accepted(message)).toMatchObject({ name: "a.test", type: TYPE.aaaa, hasEdns: true });
  });

  test.each([["labels of 63 and a name of 255 bytes", labels("a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61))], ["an underscore", labels("_sip", "_tcp", "a", "test")], ["a single label", labels("localhost")]])("may have %s", (_, name) => {
    expect(accepted(aQuery({ name })).name.length).toBeGreaterThan(0);
  });

  test("may carry an EDNS record with a cookie, a client subnet, padding, DO set", () => {
    for (const options of [Buffer.alloc(0), Buffer.from("000a00080123456789abcdef", "hex"), Buffer.from("00080007000118000a0a0a", "hex"), Buffer.concat([Buffer.from("000c0064", "hex"), Buffer.alloc(100)])]) {
      expect(accepted(aQuery({ tail: anOpt({ options, flags: 0x8000 }) })).hasEdns).toBe(true);
    }
  });
});

describe("a query is refused", () => {
  test.each([
    ["a dot inside a label (N05)", labels("evil.example", "test")], ["a NUL", labels("a\0b", "test")], ["a space", labels("a b", "test")], ["a backslash", labels("a\\b", "test")],
    ["a letter outside ASCII", labels("\xe4", "test")], ["a slash", labels("a/b")], ["an asterisk", labels("*", "test")], ["a hyphen in front", labels("-a", "test")], ["a hyphen behind", labels("a-", "test")],
    ["the root", labels()],
  ])("with REFUSED for %s", (_, name) => {
    expect(refused(aQuery({ name })).rcode).toBe(RCODE.refused);
  });

  test.each([
    ["a compression pointer", Buffer.from([0xc0, 12])], ["a pointer after a label", Buffer.from([1, 0x61, 0xc0, 12])], ["a reserved label kind", Buffer.from([0x41, 0x61, 0])],
    ["a label of 64", Buffer.concat([Buffer.from([64]), Buffer.alloc(64, 0x61), Buffer.from([0])])], ["a name of 256 bytes", labels("a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(62))],
  ])("with FORMERR for %s", (_, name) => {
    expect(refused(aQuery({ name })).rcode).toBe(RCODE.formErr);
  });

  test.each([
    ["no question", aQuery({ counts: [0, 0, 0, 0] })], ["two questions", aQuery({ counts: [2, 0, 0, 0] })], ["an answer record", aQuery({ counts: [1, 1, 0, 0] })], ["an authority record", aQuery({ counts: [1, 0, 1, 0] })],
    ["two additional records", aQuery({ counts: [1, 0, 0, 2] })], ["an additional record that is missing", aQuery({ counts: [1, 0, 0, 1] })], ["bytes behind it", aQuery({ tail: Buffer.from([0]), counts: [1, 0, 0, 0] })],
    ["the truncated flag", aQuery({ flags: 0x0300 })], ["the reserved flag", aQuery({ flags: 0x0140 })], ["a code", aQuery({ flags: 0x0103 })], ["5 kB", aQuery({ tail: Buffer.alloc(5_000), counts: [1, 0, 0, 0] })],
    ["an OPT with a name", aQuery({ tail: Buffer.concat([labels("a"), anOpt().subarray(1)]) })], ["another additional record than OPT", aQuery({ tail: Buffer.concat([Buffer.from([0, 0, 16]), anOpt().subarray(3)]) })],
    ["options longer than the message", aQuery({ tail: anOpt({ length: 500 }) })], ["options that overrun their length", aQuery({ tail: anOpt({ options: Buffer.from("000a0010", "hex") }) })],
  ])("with FORMERR for %s", (_, message) => {
    expect(refused(message).rcode).toBe(RCODE.formErr);
  });

  test("with BADVERS for another EDNS version (N07)", () => {
    expect(refused(aQuery({ tail: anOpt({ version: 1 }) })).rcode).toBe(RCODE.badVers);
  });

  test.each([["ANY", TYPE.any], ["AXFR", TYPE.axfr], ["IXFR", TYPE.ixfr]])("with REFUSED for type %s", (_, type) => {
    expect(refused(aQuery({ type })).rcode).toBe(RCODE.refused);
  });

  test("with REFUSED for another class, with NOTIMP for another operation", () => {
    expect(refused(aQuery({ class: 3 })).rcode).toBe(RCODE.refused);
    expect(refused(aQuery({ flags: 0x2800 })).rcode).toBe(RCODE.notImp);
  });

  test.each([["nothing", Buffer.alloc(0)], ["less than a header", Buffer.alloc(11)], ["an answer", aQuery({ flags: 0x8180 })]])("without a word for %s", (_, message) => {
    expect(refused(message).rcode).toBeNull();
  });
});

describe("any bytes", () => {
  test("are accepted or refused, never more", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => { parseQuery(Buffer.from(bytes)); }));
  });

  test("cut or flipped anywhere never give another name than a codec of others reads", () => {
    const message = aQuery({ name: labels("api", "example", "test"), tail: anOpt() });
    fc.assert(fc.property(fc.nat(message.length), fc.nat(message.length - 1), fc.nat(255), (length, at, flip) => {
      const changed = Buffer.from(message);
      changed[at] = changed[at]! ^ flip;
      const parsed = parseQuery(changed.subarray(0, length));
      if (parsed.kind === "query") expect(decode(changed.subarray(0, length)).questions?.[0]?.name.toLowerCase()).toBe(parsed.query.name);
    }), { numRuns: 2_000 });
  });
});
