import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { unreachable } from "../../common/unreachable.ts";
import { HighestRevision, policyStateDirectory } from "./bundles/highest-revision.ts";
import { openApart } from "./bundles/open-apart.ts";
import { readVerification } from "./bundles/read-verification.ts";
import type { ServiceConfig } from "./bundles/config.ts";
import { ServiceSource } from "./bundles/service-source.ts";
import { Vetting } from "./bundles/vetting.ts";
import { compileFolder } from "./compile-policy.ts";
import type { PolicyConfig } from "./config.ts";
import { policyData, type PolicyData } from "./data.ts";
import { bundleFile, policyFolder } from "./file-sources.ts";
import { requireOpa } from "./opa.ts";
import type { Offer, PolicySource } from "./policy-source.ts";
import { withPacks } from "./read-packs.ts";
import { readDefaultBundle } from "./shipped-files.ts";

/** A bundle that somebody else keeps and hands over, under the revision that it has there. */
export interface HeldBundle {
  readonly packed: Uint8Array;
  readonly revision: string;
}

export interface SourceContext {
  readonly environment: Environment;
  /** Where it is remembered which revision was the highest. Without it nothing is: for commands that only look. */
  readonly stateDirectory?: string | undefined;
}

/** Revision of the policy before there is any. */
const NOTHING_YET = "none";

type Choice =
  | { readonly kind: "bundle"; readonly path: string }
  | { readonly kind: "service"; readonly service: ServiceConfig }
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "data"; readonly data: PolicyData };

/** Without any setting the data is empty, and everything is refused. @throws UserError if a key to check with cannot be read */
export function openSource(config: PolicyConfig, { environment, stateDirectory }: SourceContext): PolicySource {
  const { pollIntervalMs, verification, memoryLimitBytes } = config;
  const directory = stateDirectory === undefined ? null : policyStateDirectory(stateDirectory);
  const highest = directory === null ? null : new HighestRevision(directory);
  const vetting = verification === undefined ? null : new Vetting(readVerification(verification), highest, memoryLimitBytes);
  const choice = chosen(config);
  switch (choice.kind) {
    case "bundle": return bundleFile(choice.path, { pollIntervalMs, vetting, memoryLimitBytes });
    case "service": return new ServiceSource(choice.service, { vetting: required(vetting), directory });
    case "folder": return policyFolder(choice.path, { pollIntervalMs, environment });
    case "data": return inlineData(choice.data, environment);
    default: return unreachable(choice);
  }
}

/**
 * A policy that is handed over by `ReloadingPolicyEngine.adopt`.
 * @param last what was handed over last, also before this start; null: nothing ever was, and the library without data refuses everything
 */
export function heldSource(last: () => HeldBundle | null, memoryLimitBytes: number): PolicySource {
  return {
    name: "the boundary",
    changed: never,
    load: async () => {
      const held = last();
      return held === null ? { bundle: { ...await readDefaultBundle(), revision: NOTHING_YET }, digest: NOTHING_YET } : readHeld(held, memoryLimitBytes);
    },
  };
}

/** Opens it in a thread of its own. @param memoryLimitBytes of the evaluator that is to hold its data @throws UserError if the bundle cannot be used */
export async function readHeld({ packed, revision }: HeldBundle, memoryLimitBytes: number): Promise<Offer> {
  try {
    const { bundle } = await openApart(packed, { verification: null, memoryLimitBytes });
    const digest = createHash("sha256").update(packed).digest("hex");
    return { bundle: { ...bundle, revision }, digest: `${revision} sha256:${digest}` };
  } catch (cause) {
    throw new UserError(`cannot use the policy bundle of the boundary ${revision}: ${(cause as Error).message}`, "Look at the controller's log: it compiles the policies.", EXIT.config, { cause });
  }
}

function chosen(config: PolicyConfig): Choice {
  if (config.bundle !== undefined) return { kind: "bundle", path: config.bundle };
  if (config.service !== undefined) return { kind: "service", service: config.service };
  if (config.directory !== undefined) return { kind: "folder", path: config.directory };
  return { kind: "data", data: config.data ?? policyData.parse({}) };
}

/** The schema says so too; a server whose bundles nobody checks must not come about by a slip here. */
function required(vetting: Vetting | null): Vetting {
  if (vetting === null) throw new UserError("policy.service needs policy.verification", "docs/bundles.md shows both.", EXIT.config);
  return vetting;
}

function inlineData(data: PolicyData, environment: Environment): PolicySource {
  return {
    name: "the policy data in the configuration",
    changed: never,
    load: async () => {
      const bundle = await compileFolder({ data: await withPacks(data, "policy.data"), rego: new Map() }, () => requireOpa(environment));
      return { bundle, digest: bundle.revision };
    },
  };
}

async function never(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
