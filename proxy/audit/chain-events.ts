import type { LifecycleRecord } from "../model/record.ts";
import type { ChainMark } from "./chain.ts";
import { MerkleTree } from "./merkle.ts";

/** Records that the log writes about itself, by name. All are lifecycle records. */
export const CHAIN_EVENTS = {
  /** First record of every segment file: where the chain and its tree stand, so that a segment can be checked alone. */
  segment: "audit.segment",
  started: "audit.started",
  stopped: "audit.stopped",
  /** Something that was meant to be recorded is not in the chain, or not in a sink. */
  gap: "audit.gap",
  checkpoint: "audit.checkpoint",
  /** No checkpoint could be signed; the next one covers what this one would have. */
  checkpointFailed: "audit.checkpoint-failed",
  /** Closed segments were deleted because they are older than the retention time. */
  retired: "audit.retired",
  keyRotated: "audit.key-rotated",
  witnessFailed: "audit.witness-failed",
} as const;

export function chainEvent(event: string, timeMs: number, fields: LifecycleRecord["fields"], outcome: "succeeded" | "failed" = "succeeded"): LifecycleRecord {
  return { kind: "lifecycle", timeMs, agent: null, event, outcome, fields };
}

/** @param note the last checkpoint of a chain that this one follows, if there is one */
export function segmentEvent(timeMs: number, mark: ChainMark, note: string | null): LifecycleRecord {
  return chainEvent(CHAIN_EVENTS.segment, timeMs, {
    records_before: mark.sequence,
    tree_peaks: mark.tree.peaks().join(" "),
    ...(note === null ? {} : { follows: note }),
  });
}

/** The tree before a segment, from its first record. @throws RangeError if the record does not describe one */
export function treeBefore(fields: Readonly<Record<string, unknown>>): MerkleTree {
  const { records_before: size, tree_peaks: peaks } = fields;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0 || typeof peaks !== "string") throw new RangeError("not the head of a segment");
  return MerkleTree.restore(size, peaks === "" ? [] : peaks.split(" "));
}
