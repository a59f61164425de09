import { readEnvironment } from "../common/config.ts";
import { obtainKubernetes } from "../tools/kubernetes.ts";
import { obtainStockAgents } from "../tools/stock-agents.ts";
import { runTiers } from "./verify/report.ts";
import { CLUSTER_PROOFS, impossible, proofTier, suiteTier } from "./verify/tiers.ts";

/** A control plane and a node are started again and again. */
const DEADLINE_MS = 1_500_000;

/** A node is started, images are built, and agents are waited for until they are idle. */
const NODE_PROOF_DEADLINE_MS = 420_000;

const onNode = CLUSTER_PROOFS.node.map((name) => proofTier(name, NODE_PROOF_DEADLINE_MS));

/** What needs programs that have to be fetched or built first (tools/). The setting makes their absence an error instead of a skip. */
const TIERS = [
  ...["cluster", "node"].map((project) => suiteTier(project, { WEIR_TIER: "cluster" }, DEADLINE_MS)),
  ...CLUSTER_PROOFS.fetched.map((name) => proofTier(name)),
  ...CLUSTER_PROOFS.controlPlane.map((name) => proofTier(name)),
  ...(process.getuid?.() === 0 ? onNode : onNode.map((tier) => impossible(tier, "a node needs root"))),
];

const print = (line: string): void => { process.stdout.write(`${line}\n`); };

// Before the tiers: a build of minutes must not count against the time of a test.
await obtainKubernetes(readEnvironment(), print);
// What cannot be installed is the failure of the proof that needs it, which says why.
await obtainStockAgents(readEnvironment(), print).catch(() => {});
process.exitCode = await runTiers(TIERS, print);
