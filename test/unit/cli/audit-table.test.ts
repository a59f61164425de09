import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { auditTable } from "../../../cli/audit-table.ts";
import type { AuditRecord } from "../../../proxy/model/record.ts";
import { aConnection, aDeniedExchange, aLifecycle, anExchange, aName } from "../../support/audit-records.ts";

function rowsOf(...records: readonly AuditRecord[]): string[] {
  return printed(false, records);
}

function printed(withIds: boolean, records: readonly AuditRecord[]): string[] {
  const lines: string[] = [];
  const colors = pc.createColors(false);
  const print = auditTable({ out: (line) => { lines.push(line); }, err: () => undefined, colors, errColors: colors, isTerminal: false, environment: {}, exitWith: () => undefined }, withIds);
  for (const [sequence, record] of records.entries()) print({ sequence, record, json: "" });
  return lines;
}

describe("auditTable", () => {
  test.each<[string, AuditRecord, RegExp]>([
    ["an answer", anExchange(), /^00:00:00\.000 allowed coder {10}GET api\.github\.com\/repos\/weir +200 in 12 ms$/],
    ["a refusal with its rule", aDeniedExchange(), /denied .+ hosts\.default$/],
    ["a failure with its code", anExchange({ outcome: "failed", error: { code: "upstream.timeout", detail: "" } }), /failed .+ upstream\.timeout$/],
    ["a request that is about to be sent", anExchange({ phase: "decided", status: null }), /sent .+ github\.read$/],
    ["a port of its own", anExchange({ port: 8443 }), /api\.github\.com:8443\/repos/],
    ["a tunnel", aConnection({ phase: "opened", wire: "opaque", handling: "tunnel", port: 5432 }), /opened .+ opaque api\.github\.com:5432 +tunnel$/],
    ["a name", aName(), /DNS A api\.github\.com +198\.18\.0\.5$/],
    ["the program itself", aLifecycle(), /policy\.loaded revision=r7 rules=12$/],
    ["nobody", aConnection({ agent: null, host: null, port: null, dialled: null }), / - +tls \?:\?/],
  ])("tells of %s in one row", (_what, record, row) => {
    expect(rowsOf(record).at(-1)).toMatch(row);
  });

  test("shows the ids that can be explained only when asked for them", () => {
    const [exchange, name] = [aDeniedExchange(), aName()] as const;
    const ids = [exchange.exchangeId, name.queryId];
    expect(printed(true, [exchange, name]).slice(1).map((row) => row.split(" ").at(-1))).toEqual(ids);
    for (const row of rowsOf(exchange, name)) for (const id of ids) expect(row).not.toContain(id);
  });

  test("begins each day with its date, once", () => {
    expect(rowsOf(aName(), aName(), aName({ timeMs: 1_767_312_000_000 })).filter((line) => line.endsWith("(UTC)"))).toEqual(["2026-01-01 (UTC)", "2026-01-02 (UTC)"]);
  });

  test("fits 100 columns and shows no character that steers the terminal, whatever an agent sends", () => {
    const wild = `\u001b[31m\u0007\u202e\u2028${"w".repeat(300)}`;
    for (const line of rowsOf(anExchange({ host: wild, path: wild, method: wild }), aName({ name: wild, answer: wild }), aDeniedExchange({ error: { code: "policy.denied", detail: "", rule: wild } }))) {
      expect(line.length).toBeLessThanOrEqual(100);
      expect(line).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}]*$/u);
    }
  });
});
