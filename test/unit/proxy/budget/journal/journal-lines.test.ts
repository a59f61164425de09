import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { journalLine, readJournal } from "../../../../../proxy/budget/journal/journal-lines.ts";

const head = { format: 1, holder: "h", boot: "b", ledger: "embedded" } as const;
const HEAD = journalLine(JSON.stringify(head));
const slice = { key: '["team","usd"]', windowStartMs: 0, used: 1n, estimated: 0n, top: 5n };
const TEXT = HEAD + journalLine('+1 0 ["team","usd"];\t1 0 0 9') + journalLine("1 1 0 5");

describe("a journal", () => {
  test("reads as the last that was said of each slice", () => {
    expect(readJournal(TEXT)).toEqual({ kind: "read", head, slices: [slice] });
  });

  test("forgets slices that were ended", () => {
    expect(readJournal(TEXT + journalLine("-1"))).toEqual({ kind: "read", head, slices: [] });
  });

  test("that is torn anywhere in its last line reads without it", () => {
    const last = journalLine("1 9 9 9");
    for (let at = 0; at < last.length - 1; at += 1) expect(readJournal(TEXT + last.slice(0, at))).toEqual({ kind: "read", head, slices: [slice] });
  });

  test("with any byte of a finished line changed is not believed", () => {
    fc.assert(fc.property(fc.nat(TEXT.length - HEAD.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
      const place = HEAD.length + at;
      const changed = TEXT.slice(0, place) + String.fromCharCode(code) + TEXT.slice(place + 1);
      const isTail = !changed.endsWith("\n");
      fc.pre(changed !== TEXT && !isTail);
      expect(readJournal(changed).kind).toBe("broken");
    }));
  });

  test.each(["", "\n", "nonsense\n", journalLine("{}"), HEAD.slice(0, -1)])("without a first line says nothing of whose it was: %j", (text) => {
    expect(readJournal(text)).toEqual({ kind: "unknown" });
  });

  test("that speaks of a slice that it has not opened is not believed", () => {
    expect(readJournal(HEAD + journalLine("2 1 1 1")).kind).toBe("broken");
  });
});
