import { proofNames } from "./proof.ts";
import { runTiers } from "./verify/report.ts";
import { commandTier, proofTier, suiteTier } from "./verify/tiers.ts";

/** Everything that needs no cluster, cheap first: a slip in a type must not cost the minutes of the namespaces. */
const TIERS = [
  commandTier("types", "tsc", "--noEmit"),
  commandTier("lint", "oxlint", "--type-aware", "--deny-warnings"),
  ...["structure", "unit", "policy", "contract", "integration", "adversarial", "netns"].map(suiteTier),
  ...proofNames().map(proofTier),
];

process.exitCode = await runTiers(TIERS, (line) => { process.stdout.write(`${line}\n`); });
