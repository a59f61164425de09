import type { Row } from "../sql/sql-driver.ts";
import type { AccountSpec, Threshold } from "./account.ts";
import type { HeldSlice } from "./ledger-store.ts";
import type { Look } from "./row-storage.ts";
import type { AccountRow, SliceRow, WindowRow } from "./rows.ts";

/**
 * Rows of the database made into rows of the ledger, and back. Every 64-bit number travels as text: one driver would hand out numbers, which end at
 * 2^53. Going in, rows are one JSON text for each table.
 */
export const ACCOUNT_COLUMNS = `a.key, a.budget, a.meter, a.configured_limit::text, a.window_kind, a.timezone, a.thresholds,
  a.set_limit::text, a.open_start_ms::text, a.open_end_ms::text, (select b.set_limit::text from ledger_budgets b where b.budget = a.budget) as budget_limit`;
export const WINDOW_COLUMNS = `w.key as window_key, w.start_ms::text, w.end_ms::text, w.settled::text, w.estimated::text, w.outstanding::text,
  w.top_up::text, w.approved_percent, w.told, w.wanted_at_ms::text, w.want_round`;
export const SLICE_COLUMNS = `s.holder, s.key as slice_key, s.window_start_ms::text, s.granted::text, s.used::text, s.estimated::text as slice_estimated,
  s.returned::text, s.written_off::text, s.is_over, s.heard_at_ms::text, s.told_round, s.answered_round`;

export function accountRow(row: Row): AccountRow {
  const startMs = nullableNumber(row["open_start_ms"]);
  return {
    spec: {
      key: String(row["key"]), budget: String(row["budget"]), meter: row["meter"] as AccountSpec["meter"], limit: amount(row["configured_limit"]),
      window: row["window_kind"] as AccountSpec["window"], timezone: String(row["timezone"]), thresholds: JSON.parse(String(row["thresholds"])) as Threshold[],
    },
    setLimit: nullableAmount(row["set_limit"]), budgetLimit: nullableAmount(row["budget_limit"]),
    open: startMs === null ? null : { startMs, endMs: nullableNumber(row["open_end_ms"]) },
  };
}

/** Of a left join: null where there is none. */
export function windowRow(row: Row): WindowRow | null {
  const { window_key: key } = row;
  if (typeof key !== "string") return null;
  return {
    key, startMs: Number(row["start_ms"]), endMs: nullableNumber(row["end_ms"]),
    settled: amount(row["settled"]), estimated: amount(row["estimated"]), outstanding: amount(row["outstanding"]), topUp: amount(row["top_up"]),
    approvedPercent: Number(row["approved_percent"]), told: JSON.parse(String(row["told"])) as string[],
    wantedAtMs: nullableNumber(row["wanted_at_ms"]), wantRound: Number(row["want_round"]),
  };
}

/** Of a left join: null where there is none. */
export function sliceRow(row: Row): SliceRow | null {
  const { slice_key: key } = row;
  if (typeof key !== "string") return null;
  return {
    holder: String(row["holder"]), key, windowStartMs: Number(row["window_start_ms"]),
    granted: amount(row["granted"]), used: amount(row["used"]), estimated: amount(row["slice_estimated"]), returned: amount(row["returned"]),
    writtenOff: amount(row["written_off"]), isOver: row["is_over"] === true, heardAtMs: Number(row["heard_at_ms"]),
    toldRound: Number(row["told_round"]), answeredRound: Number(row["answered_round"]),
  };
}

export function heldSlice(row: Row): HeldSlice {
  return {
    key: String(row["key"]), windowStartMs: Number(row["window_start_ms"]),
    granted: amount(row["granted"]), used: amount(row["used"]), returned: amount(row["returned"]),
  };
}

export function look(row: Row): Look {
  return { account: accountRow(row), window: windowRow(row), lost: amount(row["lost"]) };
}

export function specsJson(specs: readonly AccountSpec[]): string {
  return json(specs.map((spec) => ({
    key: spec.key, budget: spec.budget, meter: spec.meter, configured_limit: spec.limit, window_kind: spec.window, timezone: spec.timezone,
    thresholds: JSON.stringify(spec.thresholds),
  })));
}

export function accountsJson(accounts: readonly AccountRow[]): string {
  return json(accounts.map(({ spec, setLimit, open }) => ({
    key: spec.key, configured_limit: spec.limit, window_kind: spec.window, timezone: spec.timezone, thresholds: JSON.stringify(spec.thresholds),
    set_limit: setLimit, open_start_ms: open?.startMs ?? null, open_end_ms: open?.endMs ?? null,
  })));
}

export function windowsJson(windows: readonly WindowRow[]): string {
  return json(windows.map((window) => ({
    key: window.key, start_ms: window.startMs, end_ms: window.endMs, settled: window.settled, estimated: window.estimated, outstanding: window.outstanding,
    top_up: window.topUp, approved_percent: window.approvedPercent, told: JSON.stringify(window.told), wanted_at_ms: window.wantedAtMs,
    want_round: window.wantRound,
  })));
}

export function slicesJson(slices: readonly SliceRow[]): string {
  return json(slices.map((slice) => ({
    key: slice.key, window_start_ms: slice.windowStartMs, holder: slice.holder, granted: slice.granted, used: slice.used, estimated: slice.estimated,
    returned: slice.returned, written_off: slice.writtenOff, is_over: slice.isOver, heard_at_ms: slice.heardAtMs, told_round: slice.toldRound,
    answered_round: slice.answeredRound,
  })));
}

export function json(rows: readonly object[]): string {
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
}

function amount(value: unknown): bigint {
  return BigInt(String(value));
}

function nullableAmount(value: unknown): bigint | null {
  return value === null ? null : amount(value);
}

function nullableNumber(value: unknown): number | null {
  return value === null ? null : Number(value);
}
