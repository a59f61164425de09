import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { readDecisions, ReplayTotals, shadowOf } from "../../proxy/operator.ts";
import { sinceOption } from "../duration-option.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { noneFound, recordedFolder } from "./audited.ts";
import { printReplay } from "./replay-report.ts";

interface ShadowOptions {
  readonly since: number;
  readonly agent?: string;
  readonly host?: string;
  readonly audit?: string;
  readonly config?: string;
  readonly output: OutputFormat;
}

/** `weir policy shadow` */
export function registerShadow(policy: Command, io: Io): void {
  policy.command("shadow")
    .description("Say what the shadow policy (policy.shadow) would have decided of what happened, by the audit.")
    .addOption(sinceOption("24h", systemClock.nowMs()))
    .option("--agent <name>", "only this agent")
    .option("--host <host>", "only this host or name; `*.` in front stands for every name below")
    .option("--audit <directory>", "folder of a chain, or of several; default that of the configuration")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", "\nExit code: 0; 1 if no shadow was asked about any of it.")
    .action(async (options: ShadowOptions) => { await shadow(options, io); });
}

async function shadow(options: ShadowOptions, io: Io): Promise<void> {
  const { since, agent, host, output } = options;
  const root = await recordedFolder(options, io);
  const totals = new ReplayTotals();
  const revisions = new Set<string>();
  let count = 0;
  for await (const record of readDecisions(root, { sinceMs: since, untilMs: Number.POSITIVE_INFINITY, filter: { agent, host } })) {
    const said = shadowOf(record);
    if (said === null || record.kind === "lifecycle") continue;
    totals.add(said);
    revisions.add(record.decision?.shadow?.revision ?? "");
    count += 1;
  }
  if (count === 0) throw new UserError("no shadow was asked about what you name", `${noneFound("decision", root, options)}; \`policy.shadow\` of the configuration names one.`, EXIT.failure);
  printReplay(totals.report([...revisions].join(" and "), "it saw what the policy in force saw"), output, io);
}
