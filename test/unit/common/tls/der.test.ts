import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bits, constructed, integer, nothing, octets, oid, primitive, readElements, sequence, set, time, utf8, yes } from "../../../../common/tls/der.ts";

const hex = (bytes: Buffer): string => bytes.toString("hex");

describe("what is written", () => {
  // The bytes of RFC 5280 and X.690 examples, and of what OpenSSL prints for the same values.
  test.each<[string, Buffer, string]>([
    ["an object identifier with arcs above 127", oid("1.2.840.10045.4.3.2"), "06082a8648ce3d040302"],
    ["a small object identifier", oid("2.5.29.17"), "0603551d11"],
    ["a positive integer", integer(Buffer.from([2])), "020102"],
    ["an integer whose first bit is set stays positive", integer(Buffer.from([0x80])), "02020080"],
    ["true", yes(), "0101ff"],
    ["null", nothing(), "0500"],
    ["bits with unused ones at the end", bits(Buffer.from([0b1000_0000]), 7), "03020780"],
    ["text", utf8("é"), "0c02c3a9"],
    ["tags of context", Buffer.concat([constructed(3, nothing()), primitive(2, Buffer.from("a"))]), "a3020500820161"],
    ["a sequence of a set", sequence(set(yes())), "300531030101ff"],
  ])("%s", (_what, bytes, expected) => {
    expect(hex(bytes)).toBe(expected);
  });

  test("times are short until 2049 and long from 2050 on, in whole seconds", () => {
    expect(time(Date.UTC(2049, 11, 31, 23, 59, 59, 999)).subarray(2).toString()).toBe("491231235959Z");
    expect(hex(time(Date.UTC(2049, 0)).subarray(0, 1))).toBe("17");
    expect(time(Date.UTC(2050, 0)).subarray(2).toString()).toBe("20500101000000Z");
    expect(hex(time(Date.UTC(2050, 0)).subarray(0, 1))).toBe("18");
  });

  test.each([[127, "7f"], [128, "8180"], [255, "81ff"], [256, "820100"], [65_536, "83010000"]])("%i bytes have the shortest length", (size, length) => {
    expect(hex(octets(Buffer.alloc(size)).subarray(1, 1 + length.length / 2))).toBe(length);
  });
});

describe("what is read", () => {
  test("is what was written, whatever it is", () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 5 }), (contents) => {
      const written = contents.map((content) => octets(Buffer.from(content)));
      const read = readElements(Buffer.concat(written));
      expect(read.map(({ whole }) => hex(whole))).toEqual(written.map(hex));
      expect(read.map(({ content }) => hex(content))).toEqual(contents.map((content) => hex(Buffer.from(content))));
    }));
  });

  test.each([
    ["ends before its length", "04"], ["ends within its length", "0482ff"], ["ends within its content", "040561"], ["says more than 16 MiB", "048401000000"],
    ["has no length at all (BER)", `0480${"00".repeat(128)}`],
  ])("that %s is refused", (_what, text) => {
    expect(() => readElements(Buffer.from(text, "hex"))).toThrow(RangeError);
  });
});
