import { join } from "node:path";
import { parseConfig, readConfigFile, readEnvironment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { openLog } from "../common/log.ts";
import { untilStopSignal } from "../common/stop-signal.ts";
import { proxyConfig, startProxy } from "./main.ts";

const DEFAULT_STATE_DIRECTORY = "/var/lib/weir";

/** The node proxy as a program of its own, as its image runs it: `node proxy.mjs CONFIG`. `weir up` is the same for one machine. */
async function serve(): Promise<void> {
  const file = process.argv[2];
  if (file === undefined) throw new UserError("no configuration given", "Call it with the path of its configuration: proxy.mjs CONFIG.", EXIT.usage);
  const config = parseConfig(proxyConfig, file, readConfigFile(file));
  const stateDirectory = config.stateDirectory ?? DEFAULT_STATE_DIRECTORY;
  const log = openLog("weir-proxy", config.logLevel);
  const proxy = await startProxy(config, { log, environment: readEnvironment(), stateDirectory, issuerDirectory: join(stateDirectory, "issuer"), adminByDefault: true });
  log.info("proxy.listening", { at: proxy.listeningOn, admin: proxy.adminUrl });
  await untilStopSignal(() => { proxy.reloadPolicy(); });
  await proxy.stop();
}

try {
  await serve();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`weir-proxy: ${error.message}\n  ${error.hint}\n`);
  process.exitCode = error.exitCode;
}
