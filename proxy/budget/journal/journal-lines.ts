import { crc32 } from "node:zlib";
import * as z from "zod";

/** Who wrote a journal, and when the machine had last started then. */
export const journalHead = z.strictObject({
  format: z.literal(1),
  holder: z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/),
  /** Of the boot: what was written before a power loss may be missing. */
  boot: z.string().max(64),
  /** Which ledger the slices are of: another one knows nothing of them. */
  ledger: z.string().max(128),
});
export type JournalHead = z.output<typeof journalHead>;

/** A slice as a journal knows it. Cumulative, like the slice. */
export interface WrittenSlice {
  readonly key: string;
  readonly windowStartMs: number;
  readonly used: bigint;
  readonly estimated: bigint;
  /** Used at most, with what was open. */
  readonly top: bigint;
}

/** A line: the checksum of what follows, then what follows. */
export function journalLine(text: string): string {
  return `${crc32(text).toString(16).padStart(8, "0")} ${text}\n`;
}

/** How a journal reads. `broken`: not all of it can be believed. */
export type ReadJournal = { readonly kind: "read"; readonly head: JournalHead; readonly slices: readonly WrittenSlice[] }
  | { readonly kind: "broken"; readonly head: JournalHead }
  /** Not even its first line: nobody knows whose it was. */
  | { readonly kind: "unknown" };

const STATE = /^(\d{1,9}) (\d{1,19}) (\d{1,19}) (\d{1,19})$/;
const OPENED = /^\+(\d{1,9}) (\d{1,16}) (.{1,2000})$/s;
const ENDED = /^-(\d{1,9})$/;

/** Reads what a dead process left. A last line without its end was never relied on: it is as if it had not been begun. */
export function readJournal(text: string): ReadJournal {
  const lines = text.split("\n").slice(0, -1);
  const head = readHead(lines[0]);
  if (head === null) return { kind: "unknown" };
  const slices = new Map<string, WrittenSlice>();
  for (const line of lines.slice(1)) {
    const parts = checked(line)?.split(";\t") ?? null;
    if (parts === null || !parts.every((part) => apply(part, slices))) return { kind: "broken", head };
  }
  return { kind: "read", head, slices: [...slices.values()] };
}

function apply(part: string, slices: Map<string, WrittenSlice>): boolean {
  const state = STATE.exec(part);
  if (state !== null) {
    const [, number = "", used = "", estimated = "", top = ""] = state;
    const known = slices.get(number);
    if (known === undefined) return false;
    slices.set(number, { ...known, used: BigInt(used), estimated: BigInt(estimated), top: BigInt(top) });
    return true;
  }
  const opened = OPENED.exec(part);
  if (opened !== null) {
    const [, number = "", windowStartMs = "", key = ""] = opened;
    slices.set(number, { key, windowStartMs: Number(windowStartMs), used: 0n, estimated: 0n, top: 0n });
    return true;
  }
  const ended = ENDED.exec(part);
  return ended?.[1] !== undefined && slices.delete(ended[1]);
}

function readHead(line: string | undefined): JournalHead | null {
  try {
    return journalHead.parse(JSON.parse((line === undefined ? null : checked(line)) ?? ""));
  } catch {
    return null;
  }
}

function checked(line: string): string | null {
  const text = line.slice(9);
  return line === journalLine(text).slice(0, -1) ? text : null;
}
