import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { explainRecord, findRecords } from "../../proxy/operator.ts";
import { loadConfig } from "../load-config.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { auditRoot } from "../state-directory.ts";

const HELP = `
ID is what the agent got as request_id in the JSON body or as x-weir-request-id header, and what \`weir run -o json\` prints as requestId.
Without ID the last refusal is explained; a failure (the boundary or the destination could not) needs its ID.

Example:
  weir explain
  weir explain 1m7yvk68t2qmv1z.1`;

export function registerExplain(program: Command, io: Io): void {
  program.command("explain")
    .summary("say why a request was refused and what would allow it")
    .description("Say why a request was refused, and the smallest change that would allow it.")
    .argument("[id]", "request id; default: the last refusal")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", HELP)
    .action(async (id: string | undefined, options: { config?: string; output: OutputFormat }) => { await explain(id, options, io); });
}

async function explain(id: string | undefined, options: { config?: string; output: OutputFormat }, io: Io): Promise<void> {
  const { config } = loadConfig(options.config);
  const root = auditRoot(config, io.environment);
  const record = await findRecords(root, id === undefined ? { denied: true } : { id });
  if (record === null) {
    throw new UserError(id === undefined ? `no refusal in ${root}` : `no record of ${id} in ${root}`, "List the latest with `weir audit tail --denied`.", EXIT.failure);
  }
  const explanation = explainRecord(record);
  if (options.output === "json") {
    io.out(JSON.stringify(explanation, null, 2));
    return;
  }
  for (const line of explanation.lines) io.out(line);
}
