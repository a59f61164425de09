import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { LifecycleRecord } from "../model/record.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import type { ChainMark } from "./chain.ts";
import { appendNote, signCheckpoint } from "./checkpoint.ts";
import { NAMES } from "./directory.ts";
import type { NoteSigner } from "./signed-note.ts";

export interface CheckpointerOptions {
  readonly directory: string;
  readonly witnessDirectory: string | undefined;
  readonly chainUid: string;
  /** Size of the last checkpoint of this chain; 0 if there is none. */
  readonly lastSize: number;
  readonly clock: Clock;
  /** Puts a record in the chain without waiting. */
  readonly record: (record: LifecycleRecord) => void;
}

/**
 * Signs where the durable chain stands, in three places: the folder of the chain, the witness folder if there is one, and the chain itself,
 * through which every sink gets it. A checkpoint kept elsewhere is what shows a cut tail or a replaced chain; hashes alone do not.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #signer: NoteSigner;
  #size: number;
  #isWitnessLost = false;
  #unsignedSinceMs: number | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(signer: NoteSigner, options: CheckpointerOptions) {
    this.#signer = signer;
    this.#options = options;
    this.#size = options.lastSize;
  }

  /** Records that the last checkpoint covers. */
  get size(): number {
    return this.#size;
  }

  /** When the first of the checkpoints failed that none has followed since, by the monotonic clock; null if all is well. */
  get unsignedSinceMs(): number | null {
    return this.#unsignedSinceMs;
  }

  /** Later checkpoints are signed with this key. */
  useKey(signer: NoteSigner): void {
    this.#signer = signer;
  }

  /** Signs the mark, unless the only record since the last checkpoint tells of that checkpoint. @throws if it cannot be written */
  async sign(mark: ChainMark): Promise<void> {
    return this.#inTurn(async () => {
      if (mark.sequence <= this.#size + 1) return;
      const note = await this.#write(mark).catch((error: unknown) => {
        this.#noteFailure(mark, error);
        throw error;
      });
      this.#options.record(chainEvent(CHAIN_EVENTS.checkpoint, this.#options.clock.nowMs(), { size: mark.sequence, note }));
    });
  }

  /** Signs the end of a chain that stops now: no record follows, so none tells of it, nor of a failure; the next start signs it then. */
  async signLast(mark: ChainMark): Promise<void> {
    return this.#inTurn(async () => { await this.#write(mark); });
  }

  /** Resolves when nothing is being signed, however that ended. */
  async idle(): Promise<void> {
    await this.#running.catch(() => undefined);
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#running.catch(() => undefined).then(work);
    this.#running = turn;
    return turn;
  }

  async #write(mark: ChainMark): Promise<string> {
    const note = await signCheckpoint(this.#options.chainUid, mark.tree, [this.#signer]);
    await appendNote(join(this.#options.directory, NAMES.checkpoints), note);
    this.#size = mark.sequence;
    this.#unsignedSinceMs = null;
    await this.#tellWitness(note);
    return note;
  }

  /** Recorded once for each time of trouble. */
  #noteFailure(mark: ChainMark, error: unknown): void {
    const { clock, record } = this.#options;
    if (this.#unsignedSinceMs !== null) return;
    this.#unsignedSinceMs = clock.monotonicMs();
    record(chainEvent(CHAIN_EVENTS.checkpointFailed, clock.nowMs(), { size: mark.sequence, error: describeError(error) }, "failed"));
  }

  /** A witness that cannot be reached does not stop the boundary: it is recorded once, and the next checkpoint covers what it missed. */
  async #tellWitness(note: string): Promise<void> {
    const { witnessDirectory, chainUid, clock, record } = this.#options;
    if (witnessDirectory === undefined) return;
    try {
      await mkdir(witnessDirectory, { recursive: true, mode: 0o700 });
      await appendNote(join(witnessDirectory, `${chainUid}.checkpoints`), note);
      this.#isWitnessLost = false;
    } catch (error) {
      if (!this.#isWitnessLost) record(chainEvent(CHAIN_EVENTS.witnessFailed, clock.nowMs(), { error: describeError(error) }, "failed"));
      this.#isWitnessLost = true;
    }
  }
}
