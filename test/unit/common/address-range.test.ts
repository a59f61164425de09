import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressToBytes, bytesToAddress } from "../../../common/address-bytes.ts";
import { isInRange, rangeText, readRange } from "../../../common/address-range.ts";

const holds = (range: string, address: string): boolean => isInRange(readRange(range)!, addressToBytes(address));

describe("a range of addresses", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", "11.0.0.0"], ["10.1.2.3/32", "10.1.2.3", "10.1.2.4"], ["172.16.0.0/12", "172.31.255.255", "172.32.0.0"],
    ["0.0.0.0/0", "255.255.255.255", "::"], ["::/0", "ffff::1", "10.0.0.1"], ["fd00::/8", "fdff::1", "fe00::"], ["::10.0.0.0/104", "::a00:1", "::ffff:a00:1"],
    ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "::10.0.0.1"], ["10.0.0.0/8", "10.0.0.1", "::ffff:10.0.0.1"],
  ])("%s holds %s, and not %s", (range, inside, outside) => {
    expect([holds(range, inside), holds(range, outside)]).toEqual([true, false]);
  });

  test("holds what shares its bits, and nothing else", () => {
    const bytes = fc.constantFrom(4, 16).chain((length) => fc.tuple(fc.uint8Array({ minLength: length, maxLength: length }), fc.uint8Array({ minLength: length, maxLength: length }), fc.nat(8 * length)));
    fc.assert(fc.property(bytes, ([base, other, bits]) => {
      const head = (of: Uint8Array) => [...of].map((byte) => byte.toString(2).padStart(8, "0")).join("").slice(0, bits);
      const text = `${bytesToAddress(Buffer.from(base))}/${bits}`;
      return holds(text, bytesToAddress(Buffer.from(base))) && holds(text, bytesToAddress(Buffer.from(other))) === (head(base) === head(other));
    }));
  });

  test("has one text form", () => {
    expect(["10.1.2.3/8", "FD00:0::1/8", "::10.0.0.1/104", "::/0"].map((text) => rangeText(readRange(text)!))).toEqual(["10.0.0.0/8", "fd00::/8", "::a00:0/104", "::/0"]);
  });

  test.each(["", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "10.0.0.0/8 ", "10/8", "0x7f.1/8", "::/129", "fe80::1%eth0/64", "api.test/8", "/8", "1/2/3"])("is not written %j", (text) => {
    expect(readRange(text)).toBeNull();
  });
});
