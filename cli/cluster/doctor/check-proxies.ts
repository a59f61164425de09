import * as z from "zod";
import type { Cluster } from "../cluster-connection.ts";
import { isForbidden } from "../kube-trouble.ts";
import { askProxies, listProxies, sampleOf, type NodeProxy, type ProxyReport } from "../node-proxies.ts";
import { SEEN_TYPES } from "../seen-types.ts";
import type { Facts } from "./facts.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

const DAEMON_SET = "weir-proxy";
/** Nodes that are named. */
const NAMED = 5;

const count = z.number().default(0);
const daemonSet = z.looseObject({
  metadata: z.looseObject({ generation: count }),
  status: z.looseObject({
    desiredNumberScheduled: count, numberReady: count, updatedNumberScheduled: count, observedGeneration: count,
  }).prefault({}),
});

/** Whether every node has its proxy, and all of them have the same boundary in force. */
export const proxiesCheck: Check = {
  name: "proxies",
  run: async (cluster, facts) => {
    const found = await cluster.api.get(SEEN_TYPES.daemonSets, { namespace: cluster.systemNamespace, name: DAEMON_SET });
    if (found === null) {
      return [finding.fail(
        "proxies", `there is no DaemonSet ${cluster.systemNamespace}/${DAEMON_SET}`, "Install the chart, or name its namespace with --system-namespace.",
      )];
    }
    const proxies = await listProxies(cluster);
    const reports = await askProxies(cluster, proxies);
    return [rolledOut(cluster, daemonSet.parse(found)), ...await everyNode(cluster, proxies), ...inForce(reports, await revision(facts))];
  },
};

function rolledOut({ systemNamespace }: Cluster, { metadata, status }: z.output<typeof daemonSet>): ClusterFinding {
  const { desiredNumberScheduled: wanted, numberReady: ready, updatedNumberScheduled: updated } = status;
  const pods = `kubectl -n ${systemNamespace} get pods -l app.kubernetes.io/component=proxy -o wide`;
  const look = `\`${pods}\`; a proxy without the Secret weir-ca waits for the controller.`;
  if (wanted === 0) {
    return finding.fail("proxies", "the DaemonSet wants no pod on any node", "Look at `proxy.nodeSelector` and `proxy.tolerations` of the chart.");
  }
  if (ready < wanted) return finding.fail("proxies", `${ready} of ${wanted} ready: agents on the other nodes have no egress`, look);
  if (updated < wanted || status.observedGeneration < metadata.generation) {
    return finding.warn("proxies", `${ready} of ${wanted} ready, ${updated} of the newest definition`, "A rollout is under way, or stuck.");
  }
  return finding.ok("proxies", `${ready} of ${wanted} ready`);
}

async function everyNode({ api }: Cluster, proxies: readonly NodeProxy[]): Promise<ClusterFinding[]> {
  try {
    const served = new Set(proxies.filter(({ isReady }) => isReady).map(({ node }) => node));
    const without = (await api.list(SEEN_TYPES.nodes, {})).items.map(({ metadata }) => metadata.name).filter((name) => !served.has(name));
    if (without.length === 0) return [finding.ok("nodes", `each of ${served.size} has a proxy that is ready`)];
    return [finding.warn(
      "nodes", `without a proxy that is ready: ${some(without)}`,
      "A governed pod there has no egress: keep agents away (`scheduling` of the Agent), or let the DaemonSet run there.",
    )];
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return [finding.warn("nodes", "you may not list nodes", "Somebody who may should run this.")];
  }
}

/** Null where it is not known: the check of the boundary says why. */
async function revision(facts: Facts): Promise<string | null> {
  return facts.boundary().then((boundary) => boundary?.set.revision ?? null, () => null);
}

/** What the proxies say of themselves; each that says something else than it should is named. */
function inForce(reports: readonly ProxyReport[], published: string | null): ClusterFinding[] {
  const silent = reports.filter(({ trouble }) => trouble !== null);
  const heard = reports.filter(({ trouble }) => trouble === null);
  const findings = silent.length === 0 ? [] : [
    finding.warn(
      "boundary in force", `could not be asked: ${some(silent.map(({ proxy }) => proxy.node))} (${silent[0]?.trouble ?? ""})`,
      "It takes the right to get `pods/proxy`, and an API server that reaches pods.",
    ),
  ];
  const troubled = heard.filter((report) => sampleOf(report, "weir_boundary_trouble")?.value === 1);
  if (troubled.length > 0) {
    findings.push(finding.fail(
      "boundary in force", `refused, in whole or in part, on ${nodes(troubled)}`,
      "The log of the proxy there says what is wrong (boundary.refused, boundary.applied).",
    ));
  }
  const behind = heard.filter((report) => published !== null && revisionOf(report) !== published && !troubled.includes(report));
  if (behind.length > 0) {
    findings.push(finding.warn(
      "boundary in force", `an earlier one on ${nodes(behind)}`, "It takes seconds; if it stays so, the proxy there does not hear the API server.",
    ));
  }
  findings.push(...failing(heard));
  if (findings.length === 0 && heard.length > 0) {
    findings.push(finding.ok("boundary in force", `${published ?? "none"} on ${heard.length === 1 ? "the one node" : `all ${heard.length} nodes`}`));
  }
  return findings;
}

/** What stops agents on a node although its proxy runs. */
function failing(heard: readonly ProxyReport[]): ClusterFinding[] {
  const unhealthy = heard.filter((report) => sampleOf(report, "weir_audit_healthy")?.value === 0);
  const alone = heard.filter((report) => sampleOf(report, "weir_ledger_up")?.value === 0);
  return [
    ...(unhealthy.length === 0 ? [] : [finding.fail(
      "audit", `records do not reach the disk on ${nodes(unhealthy)}: nothing is let through there`, "Look at the node's disk, below `proxy.stateHostPath`.",
    )]),
    ...(alone.length === 0 ? [] : [finding.fail(
      "ledger", `the ledger of budgets does not answer the proxy on ${nodes(alone)}: what a budget counts is refused there`,
      "See the finding `controller`; docs/runbooks.md, WeirLedgerUnreachable.",
    )]),
  ];
}

const revisionOf = (report: ProxyReport): string | undefined => sampleOf(report, "weir_boundary_info")?.labels["revision"];
const nodes = (reports: readonly ProxyReport[]): string => some(reports.map(({ proxy }) => proxy.node));

function some(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${names.slice(0, NAMED).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
