import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { PACKED_LIMIT_BYTES, readBundle } from "./bundle.ts";
import type { Vetting } from "./bundles/vetting.ts";
import { compileFolder } from "./compile-policy.ts";
import { requireOpa } from "./opa.ts";
import { listPolicyFiles, readPolicyFolder, stampOf } from "./policy-folder.ts";
import type { Offer, PolicySource } from "./policy-source.ts";
import { changedOrElapsed, type Watched } from "./watch-files.ts";

/** A source of files, with what is watched of them. */
export interface FileSource extends PolicySource {
  readonly watched: Watched;
}

interface Files {
  readonly name: string;
  readonly watched: Watched;
  readonly pollIntervalMs: number;
  /** Another text than last time means: load again. */
  readonly stamp: () => Promise<string>;
  readonly read: () => Promise<Offer>;
}

/** A bundle on the disk. @param vetting null: it need not be signed */
export function bundleFile(path: string, { pollIntervalMs, vetting }: { readonly pollIntervalMs: number; readonly vetting: Vetting | null }): FileSource {
  const read = async (): Promise<Offer> => {
    const packed = await readPacked(path);
    try {
      return vetting === null ? { bundle: await readBundle(packed) } : await vettedOffer(packed, vetting);
    } catch (cause) {
      const hint = vetting === null ? "Build it again with `weir policy build DIR -o FILE`." : "Look at it with `weir policy inspect`; docs/bundles.md says what each refusal means.";
      throw new UserError(`cannot use the policy bundle ${path}: ${describeError(cause)}`, hint, EXIT.config, { cause });
    }
  };
  return filesSource({ name: path, watched: { folder: dirname(path), isDeep: false }, pollIntervalMs, stamp: () => stampOf([path]), read });
}

/** A policy folder, compiled where it is used. */
export function policyFolder(path: string, { pollIntervalMs, environment }: { readonly pollIntervalMs: number; readonly environment: Environment }): FileSource {
  return filesSource({
    name: path, watched: { folder: path, isDeep: true }, pollIntervalMs,
    stamp: async () => stampOf((await listPolicyFiles(path)).map((file) => join(path, file))),
    read: async () => ({ bundle: await compileFolder(await readPolicyFolder(path), () => requireOpa(environment)) }),
  });
}

/** @throws Error that says in one line why it may not come into force */
export async function vettedOffer(packed: Uint8Array, vetting: Vetting): Promise<Offer> {
  const vetted = await vetting.vet(packed);
  return { bundle: vetted.bundle, signer: vetted.signer.keyId, remember: async () => vetting.remember(vetted) };
}

function filesSource({ name, watched, pollIntervalMs, stamp, read }: Files): FileSource {
  let seen = "";
  const look = () => stamp().catch(describeError);
  return {
    name, watched,
    load: async () => {
      // Taken before reading: what changes while it is read is read again.
      seen = await look();
      return read();
    },
    changed: async (signal) => {
      while (!signal.aborted) {
        await changedOrElapsed(watched, pollIntervalMs, signal);
        if (await look() !== seen) return;
      }
    },
  };
}

async function readPacked(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > PACKED_LIMIT_BYTES) throw new Error(`it is larger than ${PACKED_LIMIT_BYTES} bytes`);
    return await readFile(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new UserError(`cannot read the policy bundle ${path}: ${missing ? "no such file" : (cause as Error).message}`,
      "Check `policy.bundle` (or --policy), or build one with `weir policy build DIR -o FILE`.", EXIT.config, { cause });
  }
}
