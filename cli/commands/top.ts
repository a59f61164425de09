import { setTimeout as wait } from "node:timers/promises";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { withCluster } from "../cluster/cluster-connection.ts";
import { withClusterOptions, type ClusterOptions } from "../cluster/cluster-options.ts";
import { askProxies, listProxies } from "../cluster/node-proxies.ts";
import { untilInterrupted } from "../interrupted.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { numberFrom } from "../number-option.ts";
import { stateDirectory } from "../state-directory.ts";
import { clusterUsage } from "../top/cluster-usage.ts";
import { machineUsage } from "../top/machine-usage.ts";
import { UsageHistory, type TopRow } from "../top/rates.ts";
import { Screen } from "../top/screen.ts";
import { topJson, topPage } from "../top/top-lines.ts";
import type { UsageSource } from "../top/usage.ts";

const HELP = `
Rates are those of the last minute, at most; SPENT, TOKENS, REQUESTS and REFUSED count since the proxies started. On this machine each thread has a line;
with --cluster, or any option that names a cluster, each agent: the metrics of node proxies do not go by thread. On a terminal the view refreshes until q;
elsewhere, and with --once, it is printed once, after one interval.

Examples:
  weir top
  weir top --cluster -n agents
  weir top --once -o json | jq '.rows[] | {thread, usdPerHour}'

Exit code: 0 shown, 69 no proxy runs, or none answers.`;

/** For lines that no terminal cuts. */
const UNCUT = 1_000;

interface TopOptions extends ClusterOptions {
  readonly config?: string;
  readonly cluster?: true;
  readonly allNamespaces?: true;
  readonly once?: true;
  readonly interval: number;
}

export function registerTop(program: Command, io: Io): void {
  withClusterOptions(program.command("top"))
    .summary("what agents use and spend, live")
    .description("Show what agents and threads use and spend, live.")
    .option("-c, --config <file>", "configuration of this machine; default ./weir.yaml if it exists")
    .option("--cluster", "of a cluster instead of this machine")
    .option("-A, --all-namespaces", "of every namespace of the cluster")
    .option("--once", "print it once")
    .option("-i, --interval <seconds>", "how often to look, in seconds", numberFrom(1), 2)
    .addHelpText("after", HELP)
    .action(async (options: TopOptions) => { await top(options, io); });
}

async function top(options: TopOptions, io: Io): Promise<void> {
  const isLive = options.once !== true && options.output === "text" && io.isTerminal && process.stdin.isTTY;
  const show = async (source: UsageSource) => (isLive ? watch(source, options) : once(source, options, io));
  const { cluster, allNamespaces, kubeconfig, context, namespace } = options;
  if (cluster !== true && allNamespaces !== true && [kubeconfig, context, namespace].every((one) => one === undefined)) {
    const state = stateDirectory(loadConfig(options.config).config, io.environment);
    return show(async () => machineUsage(state));
  }
  await withCluster(options, async (reached) => show(async () => clusterUsage(await askProxies(reached, await listProxies(reached)), allNamespaces === true ? undefined : reached.namespace)));
}

async function once(source: UsageSource, { interval, output }: TopOptions, io: Io): Promise<void> {
  const history = new UsageHistory();
  history.add(systemClock.monotonicMs(), await source());
  await wait(interval * 1_000);
  const sample = await source();
  const rows = history.add(systemClock.monotonicMs(), sample);
  if (rows.length === 0 && sample.troubles.length > 0) throw new UserError(`no proxy answers: ${sample.troubles.join("; ")}`, "`weir doctor` says what is wrong.", EXIT.unavailable);
  if (output === "json") return io.out(JSON.stringify(topJson(rows, sample.troubles), null, 2));
  if (rows.length === 0) throw new UserError("no agent uses anything here", "`weir run` and `weir up` serve agents; for a cluster add --cluster.", EXIT.unavailable);
  const { summary, headings, lines, notes } = topPage(rows, sample.troubles, UNCUT);
  io.out(summary);
  io.out(io.colors.bold(headings));
  for (const line of lines) io.out(line);
  for (const note of notes) io.err(note);
}

async function watch(source: UsageSource, { interval }: TopOptions): Promise<void> {
  const history = new UsageHistory();
  let latest: { readonly rows: readonly TopRow[]; readonly troubles: readonly string[] } = { rows: [], troubles: [] };
  const draw = (): void => { screen.draw(topPage(latest.rows, latest.troubles, screen.width)); };
  const screen = new Screen({ input: process.stdin, output: process.stdout }, draw);
  const done = AbortSignal.any([screen.quit, untilInterrupted()]);
  try {
    while (!done.aborted) {
      const sample = await source();
      latest = { rows: history.add(systemClock.monotonicMs(), sample), troubles: sample.troubles };
      draw();
      await wait(interval * 1_000, undefined, { signal: done }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
}
