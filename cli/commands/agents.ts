import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { printAgent, printAgents } from "../cluster/agent-view.ts";
import { withCluster } from "../cluster/cluster-connection.ts";
import { withClusterOptions, type ClusterOptions } from "../cluster/cluster-options.ts";
import { getSeen, listSeen, readAgent } from "../cluster/resources.ts";
import type { Io } from "../io.ts";

const HELP = `
Agents are read by your own rights in the cluster. READY says whether the node proxies have what an Agent is allowed; \`weir agents show\` says why not.

Examples:
  weir agents -A
  weir agents show reviewer -n agents
  weir agents -n agents -o json | jq -r '.agents[].metadata.name'`;

interface ListOptions extends ClusterOptions {
  readonly allNamespaces?: true;
}

export function registerAgents(program: Command, io: Io): void {
  const agents = program.command("agents").summary("list and show the agents of a cluster").description("The agents of a cluster, and what they hold.");
  agents.addHelpText("after", HELP);
  withClusterOptions(agents.command("ls", { isDefault: true }).alias("list"))
    .description("List agents.")
    .option("-A, --all-namespaces", "of every namespace")
    .action(async (options: ListOptions) => { await list(options, io); });
  withClusterOptions(agents.command("show").argument("<name>"))
    .description("Show one agent: what it holds, and what is so and why.")
    .action(async (name: string, options: ClusterOptions) => { await show(name, options, io); });
}

async function list({ allNamespaces, ...options }: ListOptions, io: Io): Promise<void> {
  await withCluster(options, async ({ api, namespace }) => {
    const isEvery = allNamespaces === true;
    const agents = await listSeen(api, TYPES.agents, isEvery ? undefined : namespace, readAgent);
    if (options.output === "json") return io.out(JSON.stringify({ agents }, null, 2));
    if (agents.length === 0) {
      return io.err(
        isEvery ? "there is no Agent in this cluster; docs/kubernetes.md begins with one"
          : `there is no Agent in ${namespace}; \`weir agents -A\` looks everywhere`,
      );
    }
    printAgents(agents, isEvery, io, systemClock.nowMs());
  });
}

async function show(name: string, options: ClusterOptions, io: Io): Promise<void> {
  await withCluster(options, async ({ api, namespace }) => {
    const agent = await getSeen(api, TYPES.agents, { namespace, name }, readAgent);
    if (agent === null) throw new UserError(`there is no Agent ${namespace}/${name}`, "`weir agents -A` lists all of them.", EXIT.failure);
    if (options.output === "json") io.out(JSON.stringify(agent, null, 2));
    else printAgent(agent, io, systemClock.nowMs());
  });
}
