import { runTiers } from "./verify/report.ts";
import { suiteTier } from "./verify/tiers.ts";

/** What needs servers that have to be fetched first (tools/openbao.ts). The setting makes their absence an error instead of a skip. */
const TIERS = [suiteTier("cluster", { WEIR_TIER: "cluster" })];

process.exitCode = await runTiers(TIERS, (line) => { process.stdout.write(`${line}\n`); });
