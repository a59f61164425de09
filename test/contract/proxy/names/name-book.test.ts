import { describe, expect, test } from "vitest";
import type { NameBook } from "../../../../proxy/names/name-book.ts";
import { SyntheticNames } from "../../../../proxy/names/synthetic-names.ts";
import { TestClock } from "../../../support/test-clock.ts";

export function describeNameBook(name: string, open: () => NameBook): void {
  describe(`NameBook: ${name}`, () => {
    test.each([4, 6] as const)("gives a name an IPv%i address that leads back to it", (family) => {
      const book = open();
      const address = book.addressFor("i1", "api.example.com", family);
      expect(book.nameOf("i1", address)).toBe("api.example.com");
      expect(book.isSynthetic(address)).toBe(true);
    });

    test("gives the same name the same address again", () => {
      const book = open();
      expect(book.addressFor("i1", "api.example.com", 4)).toBe(book.addressFor("i1", "api.example.com", 4));
    });

    test("gives different names different addresses", () => {
      const book = open();
      const addresses = Array.from({ length: 1_000 }, (_, index) => book.addressFor("i1", `n${index}.example.com`, 4));
      expect(new Set(addresses).size).toBe(1_000);
    });

    test("says nothing of an address to an instance that was not told it", () => {
      const book = open();
      const address = book.addressFor("i1", "api.example.com", 4);
      book.addressFor("i2", "other.example.com", 4);
      expect([null, "other.example.com"]).toContain(book.nameOf("i2", address));
      expect(book.nameOf("i3", address)).toBeNull();
    });

    test("forgets an instance as a whole", () => {
      const book = open();
      const address = book.addressFor("i1", "api.example.com", 4);
      book.forget("i1");
      expect(book.nameOf("i1", address)).toBeNull();
    });

    test.each(["198.18.0.0", "198.19.255.255", "fd00:5765:6972::", "fd00:5765:6972::ffff:ffff:ffff:ffff", "::ffff:198.18.0.1"])("counts %s as synthetic", (address) => {
      expect(open().isSynthetic(address)).toBe(true);
      expect(open().nameOf("i1", address)).toBeNull();
    });

    test.each(["198.17.255.255", "198.20.0.0", "fd00:5765:6971:ffff:ffff:ffff:ffff:ffff", "fd00:5765:6972:1::", "::ffff:198.20.0.0", "127.0.0.1", "::1"])("does not count %s as synthetic", (address) => {
      expect(open().isSynthetic(address)).toBe(false);
    });

    test("knows an IPv4-mapped address for the IPv4 address that it is", () => {
      const book = open();
      expect(book.nameOf("i1", `::ffff:${book.addressFor("i1", "api.example.com", 4)}`)).toBe("api.example.com");
    });
  });
}

describeNameBook("in memory", () => new SyntheticNames(new TestClock()));
