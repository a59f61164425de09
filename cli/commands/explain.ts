import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { findRecords } from "../../proxy/operator.ts";
import { withClusterOptions } from "../cluster/cluster-options.ts";
import { explainDetails, policyPlace } from "../explain-details.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { printRecord } from "../print-record.ts";
import { auditRoot } from "../state-directory.ts";
import { explainClusterRequest, explainClusterThread, explainClusterUrl, type ExplainOptions } from "./explain-cluster.ts";

const HELP = `
ID is what \`weir run\` prints below a refusal, what \`weir audit tail --ids\` shows, and what the agent got as request_id in the JSON body or as
x-weir-request-id header.
Without ID the last refusal is explained; a failure (the boundary or the destination could not) needs its ID.

In a cluster:
  --cluster ID           the same for a request there. The audit chains of the nodes are read where they are, by \`kubectl exec\` in the proxies.
  --thread NAME          why a thread has an instance or none, and what was refused to it lately
  --agent NAME --url URL whether an agent may reach it, by the boundary that is published; nothing is sent. https, http, or tcp://HOST:PORT.
                         Exit code 0 if it may, 3 if not. With --thread instead of --agent, with what that thread was narrowed to.

Examples:
  weir explain
  weir explain 1m7yvk68t2qmv1z.1
  weir explain -n agents --thread reviewer-x7k2p
  weir explain -n agents --agent reviewer --url https://api.github.com/repos/o/r --method POST`;

export function registerExplain(program: Command, io: Io): void {
  const command = program.command("explain")
    .summary("say why a request was refused, or a thread sleeps, and what would change it")
    .description("Say why a request was refused, and the smallest change that would allow it; in a cluster also why a thread has no instance, "
      + "and whether an agent may reach a URL.")
    .argument("[id]", "request id; default: the last refusal")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-p, --policy <path>", "policy folder or bundle to ask again; default that of the configuration")
    .option("--cluster", "a request in a cluster")
    .option("--thread <name>", "a thread of a cluster")
    .option("--agent <name>", "an agent of a cluster")
    .option("--container <name>", "an MCP server of that agent, which has rights of its own")
    .option("--url <url>", "what it wants to reach")
    .option("--method <method>", "method of the request", (value) => value.toUpperCase());
  withClusterOptions(command)
    .addHelpText("after", HELP)
    .action(async (id: string | undefined, options: ExplainOptions) => { await explain(id, options, io); });
}

async function explain(id: string | undefined, options: ExplainOptions, io: Io): Promise<void> {
  if (options.url !== undefined) return explainClusterUrl(options.url, options, io);
  if (options.thread !== undefined) return explainClusterThread(options.thread, options, io);
  if (options.agent !== undefined) {
    throw new UserError("what does the agent want to reach?", "Add --url; `weir agents show NAME` says what it holds.", EXIT.usage);
  }
  if (options.cluster === true) return explainClusterRequest(id, options, io);
  const { config } = loadConfig(options.config);
  const root = auditRoot(config, io.environment);
  const record = await findRecords(root, id === undefined ? { denied: true } : { id });
  if (record === null) {
    throw new UserError(
      id === undefined ? `no refusal in ${root}` : `no record of ${id} in ${root}`,
      "List the latest with `weir audit tail --denied --all --ids`; `--cluster` looks in a cluster.", EXIT.failure,
    );
  }
  printRecord(record, { output: options.output, ...await explainDetails(record, policyPlace(config, options.policy), io) }, io);
}
