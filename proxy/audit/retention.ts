import { rm, stat } from "node:fs/promises";
import type { LifecycleRecord } from "../model/record.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import { listSegments, type Segment } from "./directory.ts";

const DAY_MS = 86_400_000;

export interface RetentionOptions {
  readonly directory: string;
  /** 0 keeps everything. */
  readonly retainDays: number;
  /** Records that every sink has safely taken. */
  readonly passedRecords: number;
  readonly nowMs: number;
  readonly commit: (record: LifecycleRecord) => Promise<unknown>;
}

/**
 * Deletes closed segments that are older than the retention time and that every sink has passed, oldest first. The chain says so before it
 * happens: a verifier takes a missing beginning for retention only if a later record owns up to it.
 */
export async function retireSegments(options: RetentionOptions): Promise<void> {
  if (options.retainDays === 0) return;
  const segments = await listSegments(options.directory);
  const old: Segment[] = [];
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    const isClosed = next !== undefined;
    if (!isClosed || next.first > options.passedRecords || options.nowMs - (await stat(segment.path)).mtimeMs < options.retainDays * DAY_MS) break;
    old.push(segment);
  }
  const firstKept = segments[old.length];
  if (old.length === 0 || firstKept === undefined) return;
  await options.commit(chainEvent(CHAIN_EVENTS.retired, options.nowMs, { records_before: firstKept.first, segments: old.length }));
  for (const segment of old) await rm(segment.path);
}
