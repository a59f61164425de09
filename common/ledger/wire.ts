import * as z from "zod";
import { AMOUNT_LIMIT, METERS } from "../meters.ts";
import { isOfItsKey } from "./account-key.ts";
import { WINDOWS } from "./account.ts";

/** Of one call and of one answer, in bytes. */
export const CALL_LIMIT_BYTES = 2 * 1024 * 1024;
export const ANSWER_LIMIT_BYTES = 64 * 1024 * 1024;
/** Most claims of one `acquire`, and most reports of one `report`. */
export const CLAIMS_LIMIT = 256;
export const REPORTS_LIMIT = 1_000;
const ROWS_LIMIT = 100_000;

/** Calls go to this path with the call's name behind it, by POST. */
export const LEDGER_PATH = "/v1/ledger/";

const amount = z.string().regex(/^\d{1,19}$/).transform(BigInt).refine((value) => value <= AMOUNT_LIMIT);
const timeMs = z.int().min(0).max(8.64e15);
const key = z.string().min(1).max(1_024);
const budget = z.string().min(1).max(253);
const percent = z.int().min(1).max(100);
const action = z.enum(["notify", "ask"]);
const said = z.string().max(1_024);
/** Who holds slices: made by the holder, unique for each start of a proxy. */
const holder = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/);

const account = z.strictObject({
  key, budget,
  meter: z.enum(METERS),
  limit: amount,
  window: z.enum(WINDOWS),
  timezone: z.string().min(1).max(64).refine(isTimezone),
  thresholds: z.array(z.strictObject({ percent, action })).max(10),
});
const claim = z.strictObject({ account: account.refine(isOfItsKey), windowStartMs: timeMs.nullable(), known: amount, need: amount, want: amount });
const windowOf = { windowStartMs: timeMs, windowEndMs: timeMs.nullable() };
const totals = { limit: amount, settled: amount, outstanding: amount };
const grant = z.strictObject({ key, ...windowOf, granted: amount, ...totals, ttlMs: z.number().min(0) });
const shortage = z.strictObject({ key, ...windowOf, ...totals, left: amount, isProvisional: z.boolean(), retryAfterMs: z.number().min(0), waitsAtPercent: percent.nullable() });
const crossing = z.strictObject({ key, budget, percent, action, settled: amount, limit: amount });
const crossings = z.array(crossing).max(ROWS_LIMIT);
const report = z.strictObject({ key, windowStartMs: timeMs, used: amount, estimated: amount, returned: amount, isOver: z.boolean() });
const reported = z.strictObject({ key, windowStartMs: timeMs, isKnown: z.boolean(), isWanted: z.boolean(), ...totals, overspent: amount });
const heldSlice = z.strictObject({ key, windowStartMs: timeMs, granted: amount, used: amount, returned: amount });
const standing = z.strictObject({ account, ...windowOf, limit: amount, settled: amount, estimated: amount, outstanding: amount, lost: amount, topUp: amount, waitsAtPercent: percent.nullable() });
const standings = z.array(standing).max(ROWS_LIMIT);
const order = { budget, key: key.exactOptional(), by: said, why: said };

/** What is asked and answered, call by call: amounts are decimal texts on the wire and bigints behind it. */
export const LEDGER_CALLS = {
  acquire: {
    asks: z.strictObject({ holder, claims: z.array(claim).min(1).max(CLAIMS_LIMIT) }),
    answers: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("granted"), grants: z.array(grant).max(CLAIMS_LIMIT), crossings }),
      z.strictObject({ kind: z.literal("short"), shortages: z.array(shortage).max(CLAIMS_LIMIT), crossings }),
    ]),
  },
  report: {
    asks: z.strictObject({ holder, reports: z.array(report).max(REPORTS_LIMIT) }),
    answers: z.strictObject({ slices: z.array(reported).max(REPORTS_LIMIT), crossings }),
  },
  slices: { asks: z.strictObject({ holder }), answers: z.array(heldSlice).max(ROWS_LIMIT) },
  standings: {
    asks: z.strictObject({
      filter: z.strictObject({ budget: budget.exactOptional(), keys: z.array(key).max(CLAIMS_LIMIT).exactOptional(), limit: z.int().min(0).max(10_000) }),
    }),
    answers: standings,
  },
  adjust: {
    asks: z.strictObject({
      adjustment: z.discriminatedUnion("kind", [
        z.strictObject({ ...order, kind: z.literal("set"), limit: amount.nullable() }),
        z.strictObject({ ...order, kind: z.literal("topup"), amount }),
        z.strictObject({ ...order, kind: z.literal("reset") }),
        z.strictObject({ ...order, kind: z.literal("approve") }),
      ]),
    }),
    answers: standings,
  },
} as const;

export type LedgerCall = keyof typeof LEDGER_CALLS;
export type Asked<C extends LedgerCall> = z.output<(typeof LEDGER_CALLS)[C]["asks"]>;
export type Answered<C extends LedgerCall> = z.output<(typeof LEDGER_CALLS)[C]["answers"]>;

export function isLedgerCall(name: string): name is LedgerCall {
  return Object.hasOwn(LEDGER_CALLS, name);
}

/** JSON with amounts as texts. */
export function writeWire(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}

/** @returns null for anything but JSON of that shape */
export function readWire<T extends z.ZodType>(schema: T, text: string): z.output<T> | null {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
