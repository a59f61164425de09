import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { contentRevision, PACKED_LIMIT_BYTES } from "./bundle.ts";
import { openApart } from "./bundles/open-apart.ts";
import { markUnfit } from "./bundles/unfit.ts";
import type { Vetting } from "./bundles/vetting.ts";
import { compileFolder } from "./compile-policy.ts";
import { requireOpa } from "./opa.ts";
import { listPolicyFiles, readPolicyFolder, stampOf } from "./policy-folder.ts";
import type { Offer, PolicySource } from "./policy-source.ts";
import { changedOrElapsed, type Watched } from "./watch-files.ts";

/** Longest wait before a file is looked at again that was kept away by something else than itself. */
const BACKOFF_LIMIT_MS = 300_000;

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

interface BundleFileOptions {
  readonly pollIntervalMs: number;
  /** Null: it need not be signed. */
  readonly vetting: Vetting | null;
  /** Of the evaluator that is to hold its data. */
  readonly memoryLimitBytes: number;
}

/** A bundle on the disk. */
export function bundleFile(path: string, { pollIntervalMs, vetting, memoryLimitBytes }: BundleFileOptions): FileSource {
  const read = async (): Promise<Offer> => {
    const packed = await readPacked(path);
    try {
      return vetting === null ? await unsignedOffer(packed, memoryLimitBytes) : await vettedOffer(packed, vetting);
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
    read: async () => compiledOffer(path, environment),
  });
}

/** A folder that does not compile is at fault itself. */
async function compiledOffer(path: string, environment: Environment): Promise<Offer> {
  try {
    const bundle = await compileFolder(await readPolicyFolder(path), () => requireOpa(environment));
    return { bundle, digest: bundle.revision };
  } catch (error) {
    throw error instanceof UserError ? markUnfit(error) : error;
  }
}

/** What nobody signed may be called like another before it: its content becomes part of its name, so that records tell the two apart. */
async function unsignedOffer(packed: Uint8Array, memoryLimitBytes: number): Promise<Offer> {
  const { bundle, digest } = await openApart(packed, { verification: null, memoryLimitBytes });
  const content = contentRevision(bundle.wasm, bundle.data);
  return { digest, bundle: bundle.revision === content ? bundle : { ...bundle, revision: `${bundle.revision}+${content}` } };
}

/** @throws Error that says in one line why it may not come into force */
export async function vettedOffer(packed: Uint8Array, vetting: Vetting): Promise<Offer> {
  const vetted = await vetting.vet(packed);
  return { bundle: vetted.bundle, digest: vetted.digest, signer: vetted.signer.keyId, remember: async () => vetting.remember(vetted) };
}

function filesSource({ name, watched, pollIntervalMs, stamp, read }: Files): FileSource {
  const look = () => stamp().catch(describeError);
  let seen = "";
  let failures = 0;
  return {
    name, watched,
    load: async () => {
      // Taken before reading: what changes while it is read is read again.
      seen = await look();
      return read();
    },
    settled: (outcome) => { failures = outcome === "again" ? failures + 1 : 0; },
    changed: async (signal) => {
      const againAtMs = performance.now() + Math.min(BACKOFF_LIMIT_MS, pollIntervalMs * 2 ** Math.min(failures - 1, 20));
      while (!signal.aborted) {
        await changedOrElapsed(watched, pollIntervalMs, signal);
        if (await look() !== seen || (failures > 0 && performance.now() >= againAtMs)) return;
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
