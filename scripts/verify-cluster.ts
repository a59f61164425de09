import { runTiers } from "./verify/report.ts";
import { suiteTier } from "./verify/tiers.ts";

/** What needs binaries that no package registry has: a Kubernetes API server, OpenBao. */
const TIERS = [suiteTier("cluster")];

process.exitCode = await runTiers(TIERS, (line) => { process.stdout.write(`${line}\n`); });
