import { readEnvironment } from "../../common/config.ts";
import { UserError } from "../../common/exit-codes.ts";
import { openKubeApi } from "../../common/kube/http-kube-api.ts";
import { inClusterAccess } from "../../common/kube/kube-access.ts";
import { openLog } from "../../common/log.ts";
import { refuseUnfitRuntime } from "../../common/runtime.ts";
import { untilStopSignal } from "../../common/stop-signal.ts";
import { readSettings } from "../settings.ts";
import { REDIRECT_SETTINGS } from "./config.ts";
import { startNodeRules } from "./main.ts";

/** The node's agent as a program of its own, as the chart runs it where `redirect.mode` is `node`: `node redirect.mjs --node-name NAME --host-addresses LIST`. */
async function serve(): Promise<void> {
  refuseUnfitRuntime();
  const environment = readEnvironment();
  const config = readSettings(process.argv.slice(2), environment, REDIRECT_SETTINGS);
  const log = openLog("weir-redirect", config.logLevel);
  const running = await startNodeRules(config, openKubeApi(inClusterAccess(environment)), log);
  log.info("redirect.started", { node: config.nodeName, namespaces: config.namespacesDirectory, admin: running.adminUrl });
  await untilStopSignal(() => undefined);
  await running.stop();
}

try {
  await serve();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`weir-redirect: ${error.message}\n  ${error.hint}\n`);
  process.exitCode = error.exitCode;
}
