import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { standingOf, total, type BudgetStanding } from "../cluster/budget-spending.ts";
import { withCluster, type Cluster } from "../cluster/cluster-connection.ts";
import { withClusterOptions, type ClusterOptions } from "../cluster/cluster-options.ts";
import { isForbidden } from "../cluster/kube-trouble.ts";
import { askProxies, listProxies, type ProxyReport } from "../cluster/node-proxies.ts";
import { listSeen, readAgent, readBudget } from "../cluster/resources.ts";
import type { Io } from "../io.ts";
import { printTable } from "../table.ts";

const HELP = `
Each node proxy counts for itself, and holds each node's agents to the whole limit: SPENT is the sum of what they say (--by-node takes it apart),
and more than LIMIT where agents of one budget run on several nodes. It takes the right to get \`pods/proxy\` in the installation's namespace.
A budget with the window \`thread\` is counted for each thread alone, and has no sum.

Examples:
  weir budget -n agents
  weir budget daily -n agents --by-node`;

interface BudgetOptions extends ClusterOptions {
  readonly allNamespaces?: true;
  readonly byNode?: true;
}

export function registerBudget(program: Command, io: Io): void {
  withClusterOptions(program.command("budget").alias("budgets").argument("[name]", "only this one"))
    .summary("show the budgets of a cluster and what was spent")
    .description("Show Budgets, who is charged to them, and what was spent.")
    .option("-A, --all-namespaces", "of every namespace")
    .option("--by-node", "what each node's proxy has counted")
    .addHelpText("after", HELP)
    .action(async (name: string | undefined, options: BudgetOptions) => { await budget(name, options, io); });
}

async function budget(name: string | undefined, options: BudgetOptions, io: Io): Promise<void> {
  await withCluster(options, async (cluster) => {
    const namespace = options.allNamespaces === true ? undefined : cluster.namespace;
    const budgets = (await listSeen(cluster.api, TYPES.budgets, namespace, readBudget)).filter(({ metadata }) => name === undefined || metadata.name === name);
    if (name !== undefined && budgets.length === 0) {
      throw new UserError(`there is no Budget ${name} in ${namespace ?? "this cluster"}`, "`weir budget -A` lists all of them.", EXIT.failure);
    }
    const [agents, reports] = await Promise.all([listSeen(cluster.api, TYPES.agents, namespace, readAgent), proxyReports(cluster, io)]);
    const standings = budgets.map((one) => standingOf(one, agents, reports));
    if (options.output === "json") return io.out(JSON.stringify({ budgets: standings }, null, 2));
    if (standings.length === 0) return io.err(`there is no Budget in ${namespace ?? "this cluster"}`);
    print(standings, options, io);
  });
}

/** Whoever may not ask the proxies still sees the budgets. */
async function proxyReports(cluster: Cluster, io: Io): Promise<readonly ProxyReport[]> {
  try {
    const reports = await askProxies(cluster, await listProxies(cluster));
    const silent = reports.filter(({ trouble }) => trouble !== null);
    if (silent.length > 0) io.err(`not counted: ${silent.map(({ proxy }) => proxy.node).join(", ")} (${silent[0]?.trouble ?? ""})`);
    return reports;
  } catch (error) {
    if (!isForbidden(error)) throw error;
    io.err(`what was spent is not shown: you may not list pods in ${cluster.systemNamespace}`);
    return [];
  }
}

function print(standings: readonly BudgetStanding[], { allNamespaces, byNode }: BudgetOptions, io: Io): void {
  const place = (standing: BudgetStanding) => (allNamespaces === true ? `${standing.namespace}/${standing.name}` : standing.name);
  if (byNode === true) {
    const rows = standings.flatMap((standing) => (standing.spending ?? [])
      .map(({ node, spent, reserved }) => [place(standing), node, String(spent), String(reserved), String(standing.limit)]));
    return printTable(["NAME", "NODE", "SPENT", "RESERVED", "LIMIT"], rows, io);
  }
  printTable(["NAME", "METER", "WINDOW", "LIMIT", "SPENT", "ACCEPTED", "CHARGED"], standings.map((standing) => [
    place(standing), standing.meter, standing.window, String(standing.limit), standing.spending === null ? "-" : String(total(standing.spending)),
    standing.isAccepted ? "yes" : standing.reason, standing.holders.join(",") || "nobody",
  ]), io);
}
