import type { Command } from "commander";
import { dataOf } from "../../client/client.ts";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { printAgent, printAgents, printOpenableAgents } from "../cluster/agent-view.ts";
import { withCluster } from "../cluster/cluster-connection.ts";
import { withClusterOptions, type ClusterOptions } from "../cluster/cluster-options.ts";
import { withController } from "../cluster/controller-client.ts";
import { withControllerOptions, type ControllerOptions } from "../cluster/controller-options.ts";
import { getSeen, listSeen, readAgent } from "../cluster/resources.ts";
import type { Io } from "../io.ts";

const HELP = `
Agents are read by your own rights in the cluster (\`-n\`, \`-A\`). READY says whether the node proxies have what an Agent is allowed;
\`weir agents show\` says why not. With --server the controller is asked instead: it lists those that you may open threads on.

Examples:
  weir agents -A
  weir agents show reviewer -n agents
  weir agents -n agents -o json | jq -r '.agents[].metadata.name'`;

interface ListOptions extends ControllerOptions {
  readonly allNamespaces?: true;
}

export function registerAgents(program: Command, io: Io): void {
  const agents = program.command("agents").summary("list and show the agents of a cluster").description("The agents of a cluster, and what they hold.");
  agents.addHelpText("after", HELP);
  withControllerOptions(agents.command("ls", { isDefault: true }).alias("list"))
    .description("List agents.")
    .option("-A, --all-namespaces", "of every namespace")
    .action(async (options: ListOptions) => { await list(options, io); });
  withClusterOptions(agents.command("show").argument("<name>"))
    .description("Show one agent: what it holds, and what is so and why.")
    .action(async (name: string, options: ClusterOptions) => { await show(name, options, io); });
}

async function list({ allNamespaces, ...options }: ListOptions, io: Io): Promise<void> {
  if (options.server !== undefined) return listOpenable(options, allNamespaces === true, io);
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

/** For whoever has no rights in the cluster, and may talk to its agents all the same. */
async function listOpenable(options: ControllerOptions, isEvery: boolean, io: Io): Promise<void> {
  if (isEvery) throw new UserError("the controller lists the agents of one namespace", "Give -n in place of -A.", EXIT.usage);
  await withController(options, async ({ client, namespace }) => {
    const { agents } = dataOf(await client.api.GET("/v1/namespaces/{namespace}/agents", { params: { path: { namespace } } }));
    if (options.output === "json") return io.out(JSON.stringify({ agents }, null, 2));
    if (agents.length === 0) return io.err(`there is no Agent in ${namespace} that you may open a thread on`);
    printOpenableAgents(agents, io);
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
