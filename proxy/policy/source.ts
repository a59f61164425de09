import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { unreachable } from "../../common/unreachable.ts";
import { PACKED_LIMIT_BYTES, readBundle, type Bundle } from "./bundle.ts";
import { compileFolder } from "./compile-policy.ts";
import type { PolicyConfig } from "./config.ts";
import { policyData, type PolicyData } from "./data.ts";
import { requireOpa } from "./opa.ts";
import { readDefaultBundle } from "./shipped-files.ts";
import { listPolicyFiles, readPolicyFolder, stampOf } from "./policy-folder.ts";
import type { Watched } from "./watch-files.ts";

/** Where the policy comes from, and how to notice that it changed. */
export interface PolicySource {
  /** For messages: the path, or that the data is in the configuration. */
  readonly name: string;
  /** Where to watch; null where nothing can change. */
  readonly watched: Watched | null;
  /** Another text than last time means: load again. */
  stamp(): Promise<string>;
  /** @throws UserError that says how to mend it */
  load(): Promise<Bundle>;
}

/** A bundle that somebody else keeps and hands over, under the revision that it has there. */
export interface HeldBundle {
  readonly packed: Uint8Array;
  readonly revision: string;
}

/** Revision of the policy before there is any. */
const NOTHING_YET = "none";

type Choice =
  | { readonly kind: "bundle"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "data"; readonly data: PolicyData };

/** Without any setting the data is empty, and everything is refused. */
export function openSource(config: PolicyConfig, environment: Environment): PolicySource {
  const choice = chosen(config);
  switch (choice.kind) {
    case "bundle": return bundleFile(choice.path);
    case "folder": return policyFolder(choice.path, environment);
    case "data": return inlineData(choice.data, environment);
    default: return unreachable(choice);
  }
}

/**
 * A policy that is handed over by `ReloadingPolicyEngine.adopt`.
 * @param last what was handed over last, also before this start; null: nothing ever was, and the library without data refuses everything
 */
export function heldSource(last: () => HeldBundle | null): PolicySource {
  return {
    name: "the boundary",
    watched: null,
    stamp: () => Promise.resolve(""),
    load: async () => {
      const held = last();
      return held === null ? { ...await readDefaultBundle(), revision: NOTHING_YET } : readHeld(held);
    },
  };
}

/** @throws UserError if the bundle cannot be used */
export async function readHeld({ packed, revision }: HeldBundle): Promise<Bundle> {
  try {
    return { ...await readBundle(packed), revision };
  } catch (cause) {
    throw new UserError(`cannot use the policy bundle of the boundary ${revision}: ${(cause as Error).message}`, "Look at the controller's log: it compiles the policies.", EXIT.config, { cause });
  }
}

function chosen(config: PolicyConfig): Choice {
  if (config.bundle !== undefined) return { kind: "bundle", path: config.bundle };
  if (config.directory !== undefined) return { kind: "folder", path: config.directory };
  return { kind: "data", data: config.data ?? policyData.parse({}) };
}

function bundleFile(path: string): PolicySource {
  return {
    name: path,
    watched: { folder: dirname(path), isDeep: false },
    stamp: () => stampOf([path]),
    load: async () => {
      const packed = await readPacked(path);
      try {
        return await readBundle(packed);
      } catch (cause) {
        throw new UserError(`cannot use the policy bundle ${path}: ${(cause as Error).message}`, "Build it again with `weir policy build DIR -o FILE`.", EXIT.config, { cause });
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

function policyFolder(path: string, environment: Environment): PolicySource {
  return {
    name: path,
    watched: { folder: path, isDeep: true },
    stamp: async () => stampOf((await listPolicyFiles(path)).map((file) => join(path, file))),
    load: async () => compileFolder(await readPolicyFolder(path), () => requireOpa(environment)),
  };
}

function inlineData(data: PolicyData, environment: Environment): PolicySource {
  return {
    name: "the policy data in the configuration",
    watched: null,
    stamp: () => Promise.resolve(""),
    load: () => compileFolder({ data, rego: new Map() }, () => requireOpa(environment)),
  };
}
