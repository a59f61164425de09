import { readFile } from "node:fs/promises";
import { systemClock, type Clock } from "../../../common/clock.ts";
import type { Environment } from "../../../common/config.ts";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import { describeError } from "../../../common/lifecycle.ts";
import { readBundle, type Bundle } from "../bundle.ts";
import type { Asker } from "../ask-again.ts";
import { compileData } from "../compile-data.ts";
import { compileFolder } from "../compile-policy.ts";
import { policyData, type PolicyData } from "../data.ts";
import { obtainOpa } from "../opa.ts";
import { readPolicyFolder, type PolicyFolder } from "../policy-folder.ts";
import { Program } from "../program.ts";
import { withPacks } from "../read-packs.ts";
import { compileProgram, WasmPolicy } from "../wasm-policy.ts";
import type { PastDecision, Replayed } from "./past-decision.ts";
import { policyReads } from "./policy-reads.ts";
import { replayDecision } from "./replay-decision.ts";

/** A policy that is tried on what happened; nothing is decided by it. */
export interface Candidate {
  readonly revision: string;
  /** How it is known what of the input it looks at. */
  readonly basis: string;
  /** For questions that nobody asked. */
  readonly policy: Asker;
  /** Makes a decision again, as if it were then: `time.now_ns` is the time that the record has. */
  replay(past: PastDecision): Promise<Replayed>;
}

export interface CandidateOptions {
  readonly environment: Environment;
  /** Told what takes long: a compiler that is built. */
  readonly announce: (line: string) => void;
}

/** An operator waits for an answer as long as for a slow disk, not as long as an agent. */
const LIMITS = { deadlineMs: 10_000, memoryLimitBytes: 256 << 20 };

/** Where a policy is: a bundle (`.tar.gz`, signed or not), a folder, or data in a configuration. */
export type PolicyPlace = string | PolicyData;

/** A policy that was read, and can be read again with other data. */
export interface ReadPolicy {
  readonly name: string;
  readonly bundle: Bundle;
  /** Null for a bundle: what it was built from is not in it. */
  readonly folder: PolicyFolder | null;
}

/** Reads a policy without putting it in force. @throws UserError that says how to mend it */
export async function readPolicy(place: PolicyPlace, options: CandidateOptions): Promise<ReadPolicy> {
  if (typeof place !== "string") {
    const folder = { data: await withPacks(place, "policy.data"), rego: new Map<string, string>(), taken: place.packs };
    return { name: "the policy data in the configuration", folder, bundle: await bundleOf("", folder, options) };
  }
  const folder = place.endsWith(".tar.gz") ? null : await readPolicyFolder(place);
  return { name: place, folder, bundle: await bundleOf(place, folder, options) };
}

/** The same policy with further entries behind its own; its Rego is not compiled again. */
export function withEntries(policy: ReadPolicy & { readonly folder: PolicyFolder }, added: unknown): ReadPolicy & { readonly folder: PolicyFolder } {
  const { hosts, addresses } = policyData.parse(added);
  const { data } = policy.folder;
  const folder = { ...policy.folder, data: { ...data, hosts: [...data.hosts, ...hosts], addresses: [...data.addresses, ...addresses] } };
  return { ...policy, folder, bundle: { ...policy.bundle, data: compileData(folder.data) } };
}

/** Opens a policy to try it on decisions of the past. @throws UserError that says how to mend it */
export async function openCandidate(place: PolicyPlace, options: CandidateOptions): Promise<Candidate> {
  return candidateOf(await readPolicy(place, options), options);
}

/** The same for one that was read. */
export async function candidateOf({ bundle, folder, name }: ReadPolicy, { environment, announce }: CandidateOptions): Promise<Candidate> {
  const clock = new PastClock();
  const program = await Program.open(bundle, {
    source: name, limits: LIMITS, clock, openEvaluator: async (opened, limits) => new WasmPolicy(await compileProgram(opened), { limits, clock }),
  });
  const policy: Asker = { decide: (question, input) => program.decide(question, input) };
  const reads = await policyReads(bundle, folder, environment, announce);
  return {
    revision: bundle.revision, basis: reads.basis, policy,
    replay: async (past) => {
      clock.atMs = Date.parse(String(past.input?.time)) || past.timeMs;
      return replayDecision(past, policy, reads);
    },
  };
}

async function bundleOf(path: string, folder: PolicyFolder | null, { environment, announce }: CandidateOptions): Promise<Bundle> {
  if (folder !== null) return compileFolder(folder, () => obtainOpa(environment, announce));
  try {
    return await readBundle(await readFile(path));
  } catch (cause) {
    throw new UserError(`cannot use the policy bundle ${path}: ${describeError(cause)}`, "Build it with `weir policy build DIR -o FILE`.", EXIT.config, { cause });
  }
}

class PastClock implements Clock {
  atMs = 0;

  nowMs(): number {
    return this.atMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
}
