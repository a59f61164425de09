import type { Bundle } from "../bundle.ts";
import { checkUpwards, type HighestRevision } from "./highest-revision.ts";
import { openApart } from "./open-apart.ts";
import type { Signer, Verification } from "./signature.ts";

/** The default of `policy.memoryLimitBytes`. */
const DEFAULT_MEMORY_BYTES = 64 << 20;

/** A bundle that may come into force. */
export interface Vetted {
  readonly bundle: Bundle;
  readonly signer: Signer;
  /** Of what is in it, however it is packed. */
  readonly digest: string;
}

/** What a bundle has to stand before anything in it is used: signature, every file's hash, and a revision that goes up. */
export class Vetting {
  readonly #verification: Verification;
  /** Null where nothing is remembered: a command that only looks. */
  readonly #highest: HighestRevision | null;
  readonly #memoryLimitBytes: number;

  /** @param memoryLimitBytes of the evaluator that is to hold the data */
  constructor(verification: Verification, highest: HighestRevision | null, memoryLimitBytes = DEFAULT_MEMORY_BYTES) {
    this.#verification = verification;
    this.#highest = highest;
    this.#memoryLimitBytes = memoryLimitBytes;
  }

  /** @throws UnfitError that says in one line why it may not come into force; Error if that cannot be told now */
  async vet(packed: Uint8Array): Promise<Vetted> {
    const { bundle, signer, digest } = await openApart(packed, { verification: this.#verification, memoryLimitBytes: this.#memoryLimitBytes });
    if (signer === null) throw new TypeError("a bundle was opened without its signature");
    checkUpwards({ revision: bundle.revision, digest }, await this.#highest?.read() ?? null);
    return { bundle, signer, digest };
  }

  /**
   * Remembers durably that it comes into force, before it does.
   * @param keep puts the bundle itself away; called where no other proxy can come between, and only if it may come into force
   * @throws UnfitError if it may not any more; Error if that cannot be remembered
   */
  async remember({ bundle: { revision }, digest }: Vetted, keep?: () => Promise<void>): Promise<void> {
    await this.#highest?.raise({ revision, digest }, keep);
  }

  /** The same for one that was in force before this start, and may be so again until another is to be had: an operator's pin stays where it was set. */
  async resume({ bundle: { revision }, digest }: Vetted): Promise<void> {
    await this.#highest?.resume({ revision, digest });
  }
}
