import { randomUUID } from "node:crypto";
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { VERSION } from "../../common/version.ts";
import type { RemoteKey } from "../model/remote-key.ts";
import { BatchQueue } from "./batch-queue.ts";
import { Chain, type ChainMark } from "./chain.ts";
import { lastNote, originOf, readCheckpoint } from "./checkpoint.ts";
import type { AuditConfig } from "./config.ts";
import { NAMES } from "./directory.ts";
import type { OpenDiskFile } from "./disk-file.ts";
import { recoverChain, type RecoveredChain } from "./recovery.ts";
import { SegmentWriter } from "./segment-writer.ts";
import type { NoteSigner } from "./signed-note.ts";
import { openRemoteKey } from "./remote-key.ts";
import { openSigningKey, readVerifierKeys, type NextKey } from "./signing-key.ts";

/** A chain that is ready to be written. */
export interface OpenedChain {
  readonly chain: Chain;
  readonly queue: BatchQueue;
  readonly writer: SegmentWriter;
  readonly signer: NoteSigner;
  /** The key that has to take over before anything else is signed; null if there is none. */
  readonly nextKey: NextKey | null;
  /** Where the chain on disk ends. */
  readonly durable: ChainMark;
  /** What an earlier writer left; null for a new chain. */
  readonly recovered: RecoveredChain | null;
  /** Size of the last checkpoint of this chain, or 0. */
  readonly checkpointSize: number;
}

interface OpenChainOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly openFile: OpenDiskFile;
  readonly remoteKey?: RemoteKey | undefined;
}

/**
 * Takes up the chain in a folder whose lock is held, or prepares a new one. A new chain in a folder that has checkpoints names the last of them
 * in its first record: whoever took the old segments away cannot make it look as if nothing had been there.
 */
export async function openChain(config: AuditConfig, options: OpenChainOptions): Promise<OpenedChain> {
  const { directory } = options;
  const publicKeys = join(directory, NAMES.publicKeys);
  const known = await access(publicKeys).then(async () => readVerifierKeys(publicKeys), () => []);
  const recovered = await recoverChain(directory, known);
  const note = await lastNote(join(directory, NAMES.checkpoints));
  const mayCreate = note === null;
  const { signer, nextKey } = options.remoteKey === undefined ? { signer: await openSigningKey(directory, mayCreate), nextKey: null }
    : await openRemoteKey(options.remoteKey, { directory, published: known.at(-1) ?? null, mayCreate });
  const chain = new Chain(recovered?.uid ?? randomUUID(), VERSION, recovered?.mark);
  const durable = chain.mark();
  const queue = new BatchQueue(chain, config, options.clock);
  const writer = new SegmentWriter(directory, options.openFile);
  if (recovered === null) {
    queue.openSegment(note);
  } else {
    const { first, lengthBytes, openedAtMs } = recovered.segment;
    await writer.extend(first, lengthBytes);
    queue.continueSegment(lengthBytes, openedAtMs);
  }
  const checkpoint = note === null ? null : readCheckpoint(note, known);
  return { chain, queue, writer, signer, nextKey, durable, recovered, checkpointSize: checkpoint?.origin === originOf(chain.uid) ? checkpoint.size : 0 };
}
