import { readEnvironment } from "../common/config.ts";
import { findOpa } from "../proxy/policy/opa.ts";
import { proofNames } from "./proof.ts";
import { runTiers } from "./verify/report.ts";
import { runCommand } from "./verify/run-command.ts";
import { CLUSTER_PROOFS, commandTier, excused, impossible, proofTier, suiteTier, type Tier } from "./verify/tiers.ts";

/** Go takes minutes to build `opa`, once; so it does that for CI, and for others only if they ask (`node scripts/build-policy.ts`). */
const BUILD_DEADLINE_MS = 1_200_000;
const GO_DEADLINE_MS = 10_000;

const environment = readEnvironment();
const hasOpa = await findOpa(environment) !== null;
const canBuildOpa = !hasOpa && (environment["CI"] ?? "") !== "" && (await runCommand(["go", "version"], GO_DEADLINE_MS)).code === 0;
const policy = suiteTier("policy");
/** Proofs that compile Rego, and one that compiles what Go alone can. */
const ofCompiler: ReadonlySet<string> = new Set(["policy-equivalence", "runaway"]);
const hasGo = hasOpa && (await runCommand(["go", "version"], GO_DEADLINE_MS)).code === 0;
const proof = (name: string): Tier => {
  const isPossible = canBuildOpa || !ofCompiler.has(name) || (name === "policy-equivalence" ? hasGo : hasOpa);
  return isPossible ? proofTier(name) : excused(impossible(proofTier(name), "a compiler"), "there is no `opa`, or no Go");
};
const ofCluster = new Set<string>(Object.values(CLUSTER_PROOFS).flat());

/** Everything that needs no cluster, cheap first: a slip in a type must not cost the minutes of the namespaces. */
const TIERS: readonly Tier[] = [
  commandTier("types", ["tsc", "--noEmit"]),
  commandTier("lint", ["oxlint", "--type-aware", "--deny-warnings"]),
  ...["structure", "unit"].map((project) => suiteTier(project)),
  ...(canBuildOpa ? [commandTier("policy compiler", ["node", "scripts/build-policy.ts"], BUILD_DEADLINE_MS)] : []),
  hasOpa || canBuildOpa ? policy : excused(policy, "there is no `opa`; the others ran on the bundle as checked in"),
  ...["contract", "integration", "adversarial", "netns"].map((project) => suiteTier(project)),
  ...proofNames().filter((name) => !ofCluster.has(name)).map(proof),
];

process.exitCode = await runTiers(TIERS, (line) => { process.stdout.write(`${line}\n`); });
