import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { AuditRecord } from "../model/record.ts";
import { CHAIN_EVENTS } from "./chain-events.ts";
import { listSegments, type Segment } from "./directory.ts";
import { fromOcsf } from "./ocsf-read.ts";
import { readLines } from "./segment-reader.ts";

/** How often a followed chain is looked at, in milliseconds. */
const FOLLOW_INTERVAL_MS = 200;

/** What the log writes of itself on its way; of use to verifiers only. */
const HOUSEKEEPING: ReadonlySet<string> = new Set([CHAIN_EVENTS.segment, CHAIN_EVENTS.checkpoint]);

/** A record as stored, for people and tools that read the chain. Nothing is verified here. */
export interface AuditEntry {
  readonly sequence: number;
  readonly record: AuditRecord;
  /** The OCSF event, one JSON object. */
  readonly json: string;
}

/** Life-cycle entries belong to no agent and no host: they are there only while nothing is asked for. */
export interface EntryFilter {
  /** Only what policy or the boundary refused. */
  readonly denied?: boolean | undefined;
  /** Name of the agent. */
  readonly agent?: string | undefined;
  /** Host of an exchange or connection, or queried name; `*.` in front stands for every name below. */
  readonly host?: string | undefined;
  /** Id of an exchange, connection or query. */
  readonly id?: string | undefined;
}

export interface TailOptions {
  readonly filter?: EntryFilter;
  /** Only so many of the newest entries. */
  readonly limit: number;
  /** Goes on with what is written later, until the signal. */
  readonly follow?: AbortSignal;
}

/** Chains at a folder or one level below it, the one that was written last first. */
export async function listChains(root: string): Promise<string[]> {
  const below = await readdir(root, { withFileTypes: true }).catch(() => []);
  const candidates = [root, ...below.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name))];
  const chains = await Promise.all(candidates.map(async (directory) => {
    const last = (await listSegments(directory)).at(-1);
    return last === undefined ? [] : [{ directory, writtenMs: (await stat(last.path)).mtimeMs }];
  }));
  return chains.flat().toSorted((left, right) => right.writtenMs - left.writtenMs).map((chain) => chain.directory);
}

/** The newest entries of one chain in order, then, if asked, those that are added. */
export async function* tailAudit(directory: string, options: TailOptions): AsyncGenerator<AuditEntry> {
  const segments = await listSegments(directory);
  const newest: AuditEntry[] = [];
  let place = { segment: segments.at(-1), offset: 0 };
  for (let at = segments.length - 1; at >= 0 && newest.length < options.limit; at -= 1) {
    const found: AuditEntry[] = [];
    for await (const { entry, nextOffset } of entriesOf(segments[at], 0)) {
      if (at === segments.length - 1) place = { segment: segments[at], offset: nextOffset };
      if (entry === null || !matches(entry, options.filter)) continue;
      found.push(entry);
      if (found.length > options.limit) found.shift();
    }
    newest.unshift(...found.slice(Math.max(0, found.length - (options.limit - newest.length))));
  }
  yield* newest;
  if (options.follow !== undefined) yield* followAudit(directory, place, { ...options, follow: options.follow });
}

export interface PeriodOptions {
  /** Wall clock, milliseconds: from this moment on, and before that one. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly filter?: EntryFilter;
}

/** A piece of text that every event of a decision has: what has it not is not even parsed. */
const DECISION_MARK = Buffer.from('"policy_allowed":');

/** Records of decisions of a period, of every chain at a folder; each chain in its order, one record at a time in memory. */
export async function* readDecisions(root: string, { sinceMs, untilMs, filter }: PeriodOptions): AsyncGenerator<AuditRecord> {
  for (const directory of (await listChains(root)).toReversed()) {
    for (const segment of await listSegments(directory)) {
      if ((await stat(segment.path)).mtimeMs < sinceMs) continue;
      for await (const { bytes, isWhole } of readLines(segment.path)) {
        if (!isWhole || !bytes.includes(DECISION_MARK)) continue;
        const entry = readEntry(bytes.toString("utf8"));
        if (entry !== null && entry.record.timeMs >= sinceMs && entry.record.timeMs < untilMs && matches(entry, filter)) yield entry.record;
      }
    }
  }
}

/** The last entry of the newest chain that has one, or null. */
export async function findRecords(root: string, filter: EntryFilter): Promise<AuditRecord | null> {
  for (const directory of await listChains(root)) {
    for await (const entry of tailAudit(directory, { filter, limit: 1 })) return entry.record;
  }
  return null;
}

async function* followAudit(directory: string, from: { segment: Segment | undefined; offset: number }, options: TailOptions & { follow: AbortSignal }): AsyncGenerator<AuditEntry> {
  let { segment, offset } = from;
  while (!options.follow.aborted) {
    for await (const { entry, nextOffset } of entriesOf(segment, offset)) {
      offset = nextOffset;
      if (entry !== null && matches(entry, options.filter)) yield entry;
    }
    const segments = await listSegments(directory);
    const next = segments.find(({ first }) => segment === undefined || first > segment.first);
    // The end of a segment is read once more after its successor exists: it may have grown in between.
    if (next !== undefined && segment !== undefined && (await stat(segment.path)).size > offset) continue;
    if (next === undefined) await wait(FOLLOW_INTERVAL_MS, undefined, { signal: options.follow }).catch(() => undefined);
    else [segment, offset] = [next, 0];
  }
}

async function* entriesOf(segment: Segment | undefined, offset: number): AsyncGenerator<{ entry: AuditEntry | null; nextOffset: number }> {
  if (segment === undefined) return;
  for await (const line of readLines(segment.path, offset)) {
    if (!line.isWhole) return;
    yield { entry: readEntry(line.bytes.toString("utf8")), nextOffset: line.nextOffset };
  }
}

function readEntry(json: string): AuditEntry | null {
  try {
    const event = JSON.parse(json) as { metadata?: { sequence?: unknown } };
    const record = fromOcsf(event);
    return record === null ? null : { sequence: Number(event.metadata?.sequence), record, json };
  } catch {
    return null;
  }
}

function matches({ record }: AuditEntry, filter: EntryFilter = {}): boolean {
  if (record.kind === "lifecycle") return Object.values(filter).every((value) => value === undefined || value === false) && !HOUSEKEEPING.has(record.event);
  if (filter.denied === true && record.outcome !== "denied") return false;
  if (filter.agent !== undefined && record.agent?.name !== filter.agent) return false;
  if (filter.host !== undefined && !hostMatches(filter.host, record.kind === "name" ? record.name : record.host)) return false;
  return filter.id === undefined || idsOf(record).includes(filter.id);
}

function idsOf(record: Exclude<AuditRecord, { kind: "lifecycle" }>): readonly string[] {
  switch (record.kind) {
    case "exchange": return [record.exchangeId];
    case "connection": return [record.connectionId];
    case "name": return [record.queryId];
  }
}

function hostMatches(pattern: string, host: string | null): boolean {
  if (host === null) return false;
  return pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern.toLowerCase();
}
