import { readEnvironment } from "../common/config.ts";
import { obtainKubernetes } from "../tools/kubernetes.ts";
import { runTiers } from "./verify/report.ts";
import { suiteTier } from "./verify/tiers.ts";

/** A control plane and a node are started again and again. */
const DEADLINE_MS = 1_500_000;

/** What needs servers that have to be fetched or built first (tools/openbao.ts, tools/kubernetes.ts). The setting makes their absence an error instead of a skip. */
const TIERS = [suiteTier("cluster", { WEIR_TIER: "cluster" }, DEADLINE_MS)];

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

// Before the tiers: a build of minutes must not count against the time of a test.
await obtainKubernetes(readEnvironment(), print);
process.exitCode = await runTiers(TIERS, print);
