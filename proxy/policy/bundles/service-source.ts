import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeDurably } from "../../../common/durable-file.ts";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import { describeError } from "../../../common/lifecycle.ts";
import type { Offer, Outcome, PolicySource } from "../policy-source.ts";
import type { ServiceConfig } from "./config.ts";
import { BundleClient, OversizedError } from "./fetch-bundle.ts";
import { PACKED_LIMIT_BYTES } from "./files.ts";
import type { Vetted, Vetting } from "./vetting.ts";

const FIRST_BACKOFF_MS = 1_000;
/** How far a wait is off its length, so that many proxies do not ask at the same moment. */
const JITTER = 0.1;

export interface ServiceOptions {
  readonly vetting: Vetting;
  /** Where the last good bundle is kept; null: it is not. */
  readonly directory: string | null;
  /** From 0 up to, not including, 1. */
  readonly random?: () => number;
}

/** A bundle on a server, fetched when it changed. What was in force last is kept on the disk, and checked again like any other before it is used. */
export class ServiceSource implements PolicySource {
  readonly isRemote = true;
  readonly #config: ServiceConfig;
  readonly #client: BundleClient;
  readonly #options: ServiceOptions;
  /** Of what was offered last and is settled, fit or not: a bundle that was refused for its own fault is not fetched again until it changes. */
  #etag: string | null = null;
  /** Of what was offered last. */
  #offered: string | null = null;
  #failures = 0;

  constructor(config: ServiceConfig, options: ServiceOptions) {
    this.#config = config;
    this.#client = new BundleClient(config);
    this.#options = options;
  }

  get name(): string {
    return this.#client.url;
  }

  async load(signal: AbortSignal): Promise<Offer | null> {
    this.#offered = this.#etag;
    const packed = await this.#fetch(signal);
    if (packed === null) return null;
    const { vetting } = this.#options;
    const vetted = await this.#vet(packed, this.name);
    return offerOf(vetted, async () => vetting.remember(vetted, async () => this.#keep(packed)));
  }

  async kept(): Promise<Offer | null> {
    const path = this.#keptPath;
    const packed = path === null ? null : await readKept(path);
    if (path === null || packed === null) return null;
    const vetted = await this.#vet(packed, path);
    return offerOf(vetted, async () => this.#options.vetting.resume(vetted));
  }

  settled(outcome: Outcome): void {
    if (outcome === "again") {
      this.#failures += 1;
    } else {
      this.#failures = 0;
      this.#etag = this.#offered;
    }
  }

  async changed(signal: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#options;
    const { pollIntervalMs, maxBackoffMs } = this.#config;
    const waitMs = this.#failures === 0
      ? pollIntervalMs * (1 - JITTER + 2 * JITTER * random())
      : Math.min(maxBackoffMs, Math.min(FIRST_BACKOFF_MS, pollIntervalMs) * 2 ** Math.min(this.#failures - 1, 20)) * (0.5 + random() / 2);
    await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
  }

  forget(): void {
    this.#etag = null;
  }

  /** @returns null if it is what is settled */
  async #fetch(signal: AbortSignal): Promise<Buffer | null> {
    try {
      const fetched = await this.#client.fetch(this.#etag, signal);
      if (fetched === null) return null;
      this.#offered = fetched.etag;
      return fetched.packed;
    } catch (error) {
      if (!(error instanceof OversizedError)) throw error;
      this.#offered = error.etag;
      throw refusal(this.name, error);
    }
  }

  async #vet(packed: Buffer, name: string): Promise<Vetted> {
    try {
      return await this.#options.vetting.vet(packed);
    } catch (cause) {
      throw refusal(name, cause);
    }
  }

  /** Before it is remembered as the highest: that must be there at the next start. */
  async #keep(packed: Buffer): Promise<void> {
    if (this.#keptPath !== null) await writeDurably(this.#keptPath, packed);
  }

  get #keptPath(): string | null {
    return this.#options.directory === null ? null : join(this.#options.directory, "kept.tar.gz");
  }
}

function offerOf({ bundle, signer, digest }: Vetted, remember: () => Promise<void>): Offer {
  return { bundle, digest, signer: signer.keyId, remember };
}

function refusal(name: string, cause: unknown): UserError {
  return new UserError(`cannot use the policy bundle of ${name}: ${describeError(cause)}`,
    "Look at it with `weir policy inspect`; docs/bundles.md says what each refusal means.", EXIT.config, { cause });
}

async function readKept(path: string): Promise<Buffer | null> {
  try {
    const { size } = await stat(path);
    if (size > PACKED_LIMIT_BYTES) throw new Error(`it is larger than ${PACKED_LIMIT_BYTES} bytes`);
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw refusal(path, cause);
  }
}
