import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import { describeError, Lifecycle } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { AuditRecord } from "../model/record.ts";
import type { RemoteKey } from "../model/remote-key.ts";
import type { AuditLog, Receipt } from "./audit-log.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import { Checkpointer } from "./checkpointer.ts";
import type { AuditConfig } from "./config.ts";
import { openPrivateDirectory } from "./directory.ts";
import { openDiskFile, type OpenDiskFile } from "./disk-file.ts";
import { FileLog, type FileLogStatus } from "./file-log.ts";
import { rotationEvent } from "./key-rotation.ts";
import { lockDirectory } from "./lock.ts";
import { openChain, type OpenedChain } from "./open-chain.ts";
import type { RecoveredChain } from "./recovery.ts";
import { retireSegments } from "./retention.ts";
import { formatVerifierKey, type NoteSigner } from "./signed-note.ts";
import { makeSigningKey, type NextKey } from "./signing-key.ts";
import { Shipper, type SinkStatus } from "./sinks/shipper.ts";
import { openSink } from "./sinks/sinks.ts";

/** How often closed segments are looked through for retention. */
const RETENTION_INTERVAL_MS = 3_600_000;

export interface OpenAuditOptions {
  /** Folder of the chain; `audit.directory` of the configuration is for the caller to resolve. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Sees every record as it enters the chain, before it is durable. Must not throw. */
  readonly onRecord?: (record: AuditRecord) => void;
  /** The key that signs checkpoints, if it is not to be a file of the folder. */
  readonly remoteKey?: RemoteKey | undefined;
  /** A disk with faults, for tests. */
  readonly openFile?: OpenDiskFile;
}

export interface AuditStatus extends FileLogStatus {
  readonly chainUid: string;
  readonly sinks: readonly SinkStatus[];
}

/**
 * Opens the chain in a folder for writing, or begins one, and starts its sinks.
 * @throws UserError if another process writes it, if its end is damaged, or if its signing key is gone or cannot be asked
 */
export async function openAudit(config: AuditConfig, options: OpenAuditOptions): Promise<AuditRoom> {
  await openPrivateDirectory(options.directory);
  const lifecycle = new Lifecycle(options.log);
  const unlock = lockDirectory(options.directory);
  try {
    const opened = await openChain(config, { openFile: openDiskFile, ...options });
    const room = new AuditRoom(config, options, { opened, lifecycle, unlock });
    await room.start();
    return room;
  } catch (error) {
    await lifecycle.stop();
    unlock();
    throw error;
  }
}

/** The audit log with its checkpoints, its sinks and its retention. */
export class AuditRoom implements AuditLog {
  readonly #config: AuditConfig;
  readonly #options: OpenAuditOptions;
  readonly #lifecycle: Lifecycle;
  readonly #unlock: () => void;
  readonly #recovered: RecoveredChain | null;
  readonly #chainUid: string;
  readonly #nextKey: NextKey | null;
  readonly #file: FileLog;
  #signer: NoteSigner;
  #shippers: readonly Shipper[] = [];
  #closing: Promise<void> | undefined;

  constructor(config: AuditConfig, options: OpenAuditOptions, own: { readonly opened: OpenedChain; readonly lifecycle: Lifecycle; readonly unlock: () => void }) {
    const { opened, lifecycle } = own;
    const { chain, signer } = opened;
    this.#config = config;
    this.#options = options;
    this.#lifecycle = lifecycle;
    this.#unlock = own.unlock;
    this.#recovered = opened.recovered;
    this.#chainUid = chain.uid;
    this.#signer = signer;
    this.#nextKey = opened.nextKey;
    this.#file = new FileLog(config, {
      ...opened, clock: options.clock, log: options.log, onRecord: options.onRecord,
      openCheckpointer: (record) => new Checkpointer(signer, {
        directory: options.directory, witnessDirectory: config.witnessDirectory, chainUid: chain.uid, lastSize: opened.checkpointSize, clock: options.clock, record,
      }),
    });
    lifecycle.onStop("audit log", async () => this.#file.close());
  }

  get isHealthy(): boolean {
    return this.#file.isHealthy;
  }

  get status(): AuditStatus {
    return { ...this.#file.status, chainUid: this.#chainUid, sinks: this.#shippers.map((shipper) => shipper.status) };
  }

  async commit(record: AuditRecord): Promise<Receipt> {
    return this.#file.commit(record);
  }

  enqueue(record: AuditRecord): void {
    this.#file.enqueue(record);
  }

  /** Signs a checkpoint of what is durable now. */
  async checkpoint(): Promise<void> {
    await this.#file.checkpoint();
  }

  /** Makes a new signing key of this folder and hands over to it. @returns the new public key */
  async rotateKey(): Promise<string> {
    const next = makeSigningKey(this.#options.directory);
    await this.#handOver(next);
    return formatVerifierKey(next.signer);
  }

  /** Records that the log goes on, and after what; then starts the sinks and retention. */
  async start(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const torn = this.#recovered?.torn ?? null;
    if (torn !== null) this.enqueue(chainEvent(CHAIN_EVENTS.gap, nowMs, { reason: "unfinished-write", bytes: torn.bytes, sha256: torn.sha256 }, "failed"));
    const after = this.#recovered === null ? "nothing" : this.#recovered.isClean ? "stop" : "crash";
    await this.commit(chainEvent(CHAIN_EVENTS.started, nowMs, { after, process: process.pid, monotonic_ms: Math.round(this.#options.clock.monotonicMs()) }));
    if (this.#nextKey !== null) await this.#handOver(this.#nextKey);
    this.#shippers = await Promise.all(this.#config.sinks.map(async (section) => this.#startSink(section)));
    this.#lifecycle.run("audit retention", async (signal) => this.#retain(signal));
  }

  /** Writes the last records, signs the last checkpoint, lets the sinks catch up for a while, gives the lock back. Calling it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#file.close();
    const late = AbortSignal.timeout(this.#config.sinkDrainMs);
    const { records } = this.#file.durable.current;
    await Promise.all(this.#shippers.map(async (shipper) => shipper.delivered(records, late).catch(() => undefined)));
    await this.#lifecycle.stop();
    this.#unlock();
  }

  /** The chain records the change, signed by both keys, before the old one is given up. */
  async #handOver(next: NextKey): Promise<void> {
    await this.commit(await rotationEvent(this.#options.clock.nowMs(), this.#chainUid, this.#signer, next.signer));
    await next.install();
    this.#signer = next.signer;
    this.#file.useKey(next.signer);
  }

  async #startSink(section: AuditConfig["sinks"][number]): Promise<Shipper> {
    const sink = openSink(section);
    const { directory, clock, log } = this.#options;
    const shipper = await Shipper.open(sink, {
      name: section.name, directory, chainUid: this.#chainUid, limits: section, durable: this.#file.durable, log, clock,
      commit: async (record) => this.commit(record),
    });
    this.#lifecycle.onStop(`sink ${section.name}`, async () => sink.close());
    this.#lifecycle.run(`sink ${section.name}`, async (signal) => shipper.run(signal));
    return shipper;
  }

  async #retain(signal: AbortSignal): Promise<void> {
    const { directory, clock, log } = this.#options;
    while (!signal.aborted) {
      const passedRecords = Math.min(this.#file.durable.current.records, ...this.#shippers.map((shipper) => shipper.passedRecords));
      await retireSegments({ directory, retainDays: this.#config.retainDays, passedRecords, nowMs: clock.nowMs(), commit: async (record) => this.commit(record) })
        .catch((error: unknown) => { log.error("audit.retention-failed", { error: describeError(error) }); });
      await wait(RETENTION_INTERVAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}
