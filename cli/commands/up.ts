import { join } from "node:path";
import type { Command } from "commander";
import { openLog } from "../../common/log.ts";
import { untilStopSignal } from "../../common/stop-signal.ts";
import { startProxy } from "../../proxy/main.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { auditRoot, stateDirectory } from "../state-directory.ts";

interface UpOptions {
  readonly config?: string;
  readonly socket?: string;
}

const HELP = `
Runs the node proxy in the foreground until SIGTERM or SIGINT; then it takes no new connection, lets open exchanges finish
(drainTimeoutMs) and exits 0. SIGHUP loads the policy again. Audit goes on in one chain over restarts.

Example, two terminals:
  weir up --socket ~/.local/state/weir/up/proxy.sock
  weir run --proxy ~/.local/state/weir/up/proxy.sock -- npm test`;

export function registerUp(program: Command, io: Io): void {
  program.command("up")
    .summary("run the node proxy as a service of this machine")
    .description("Run the node proxy as a service of this machine.")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("--socket <path>", "Unix socket for sidecars; overrides listen.socketPath")
    .addHelpText("after", HELP)
    .action(async (options: UpOptions) => { await up(options, io); });
}

async function up(options: UpOptions, io: Io): Promise<void> {
  const { config } = loadConfig(options.config, options.socket === undefined ? {} : { listen: { socketPath: options.socket } });
  const state = stateDirectory(config, io.environment);
  const listen = config.listen.socketPath === undefined && config.listen.address === undefined ? { socketPath: join(state, "up", "proxy.sock") } : config.listen;
  const proxy = await startProxy(
    { ...config, listen, audit: { ...config.audit, directory: config.audit.directory ?? join(auditRoot(config, io.environment), "up") } },
    { log: openLog("weir-proxy", config.logLevel), environment: io.environment, stateDirectory: state, issuerDirectory: join(state, "issuer"), adminByDefault: true },
  );
  io.err(`weir: up; sidecars at ${proxy.listeningOn.join(", ")}${proxy.adminUrl === null ? "" : `; health and metrics at ${proxy.adminUrl}`}`);
  await untilStopSignal(() => { proxy.reloadPolicy(); });
  io.err("weir: stopping; open exchanges may finish");
  await proxy.stop();
}
