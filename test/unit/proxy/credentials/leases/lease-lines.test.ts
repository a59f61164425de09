import { describe, expect, test } from "vitest";
import { formatEntry, formatStrike, readBook } from "../../../../../proxy/credentials/leases/lease-lines.ts";

const entry = (id: string, kind: "vault-lease" | "vault-accessor" = "vault-lease") => ({ id, kind, store: "s", grant: "g", instance: "i", atMs: 1 });
const idsOf = (text: string) => readBook(text).map(({ id }) => id);

describe("the text of a lease book", () => {
  test("says what is out: what was entered and not struck", () => {
    expect(readBook(formatEntry(entry("a")) + formatEntry(entry("b")) + formatStrike(entry("a")))).toEqual([entry("b")]);
  });

  test("does not take a token for a lease of the same name", () => {
    expect(readBook(formatEntry(entry("a")) + formatStrike(entry("a", "vault-accessor")))).toEqual([entry("a")]);
  });

  test("is read up to any place where a crash may have cut it off", () => {
    const whole = formatEntry(entry("a")) + formatEntry(entry("b"));
    const first = formatEntry(entry("a")).length;
    for (let length = first; length < whole.length - 1; length += 1) expect(idsOf(whole.slice(0, length))).toEqual(["a"]);
    expect(idsOf(whole)).toEqual(["a", "b"]);
  });

  test.each(["", "\n\n", "null\n", "{}\n", '{"out":1}\n', '{"out":"a","kind":"file","store":"s","grant":"g","instance":"i","atMs":1}\n', "\0\0\0\n"])("makes nothing of %j, and reads on", (junk) => {
    expect(idsOf(junk + formatEntry(entry("b")))).toEqual(["b"]);
  });
});
