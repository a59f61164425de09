import * as z from "zod";
import type { Reclaim } from "../secret-source.ts";

const id = z.string().min(1).max(1_024);
const kind = z.enum(["vault-lease", "vault-accessor"]);

const entrySchema = z.strictObject({ out: id, kind, store: z.string().max(1_024), grant: z.string().max(256), instance: z.string().max(256), atMs: z.number() });
const strikeSchema = z.strictObject({ back: id, kind });

/** One line of a lease book: what is out, and for whom. */
export interface BookedLease extends Reclaim {
  /** Address of the store that knows the id. */
  readonly store: string;
  /** Empty for a token of the proxy's own. */
  readonly grant: string;
  readonly instance: string;
  /** Wall clock, milliseconds. */
  readonly atMs: number;
}

/** What tells leases apart. */
export function keyOf({ kind: of, id: name }: Reclaim): string {
  return `${of} ${name}`;
}

export function formatEntry({ id: out, kind: of, store, grant, instance, atMs }: BookedLease): string {
  return `${JSON.stringify({ out, kind: of, store, grant, instance, atMs })}\n`;
}

export function formatStrike({ id: back, kind: of }: Reclaim): string {
  return `${JSON.stringify({ back, kind: of })}\n`;
}

/** What is out according to the text of a book. A line that is none, such as a last one that a crash cut off, was never acted on and counts for nothing. */
export function readBook(text: string): BookedLease[] {
  const out = new Map<string, BookedLease>();
  for (const line of text.split("\n")) {
    const value = parse(line);
    const entry = entrySchema.safeParse(value);
    if (entry.success) out.set(keyOf({ kind: entry.data.kind, id: entry.data.out }), bookedOf(entry.data));
    const strike = strikeSchema.safeParse(value);
    if (strike.success) out.delete(keyOf({ kind: strike.data.kind, id: strike.data.back }));
  }
  return [...out.values()];
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}

function bookedOf({ out, ...entry }: z.output<typeof entrySchema>): BookedLease {
  return { id: out, ...entry };
}
