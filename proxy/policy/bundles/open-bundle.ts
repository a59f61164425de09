import { bundleOf, type Bundle } from "../bundle.ts";
import { contentDigest } from "./file-hashes.ts";
import { unpackFiles } from "./files.ts";
import { verifySignature, type Signer, type Verification } from "./signature.ts";

/** A bundle that was read, and its signature checked where one has to hold. */
export interface OpenedBundle {
  readonly bundle: Bundle;
  /** Null: nobody was asked whose it is. */
  readonly signer: Signer | null;
  /** Of all that is in it, its revision included, however it is packed. */
  readonly digest: string;
}

export interface OpenOptions {
  /** Null: it need not be signed. */
  readonly verification: Verification | null;
  /** Of the evaluator that is to hold its data. */
  readonly memoryLimitBytes: number;
}

/** Reads a bundle; nothing of it is used before its signature holds. @throws UnfitError that says in one line what is wrong with it */
export async function openBundle(packed: Uint8Array, { verification, memoryLimitBytes }: OpenOptions): Promise<OpenedBundle> {
  const files = await unpackFiles(packed, memoryLimitBytes);
  const signer = verification === null ? null : await verifySignature(files, verification);
  return { signer, bundle: bundleOf(files), digest: contentDigest(files) };
}
