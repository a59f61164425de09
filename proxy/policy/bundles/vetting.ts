import { bundleOf, type Bundle } from "../bundle.ts";
import { contentDigest } from "./file-hashes.ts";
import { unpackFiles } from "./files.ts";
import { checkUpwards, type HighestRevision } from "./highest-revision.ts";
import { verifySignature, type Signer, type Verification } from "./signature.ts";

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

  constructor(verification: Verification, highest: HighestRevision | null) {
    this.#verification = verification;
    this.#highest = highest;
  }

  /** @throws Error that says in one line why it may not come into force */
  async vet(packed: Uint8Array): Promise<Vetted> {
    const files = await unpackFiles(packed);
    const signer = await verifySignature(files, this.#verification);
    const bundle = bundleOf(files);
    const digest = contentDigest(files);
    checkUpwards({ revision: bundle.revision, digest }, await this.#highest?.read() ?? null);
    return { bundle, signer, digest };
  }

  /** Remembers durably that it comes into force, before it does. @throws Error if it may not any more, or that cannot be remembered */
  async remember({ bundle: { revision }, digest }: Vetted): Promise<void> {
    await this.#highest?.raise({ revision, digest });
  }
}
