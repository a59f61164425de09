import { hostname } from "node:os";
import { parseConfig, readConfigFile, readEnvironment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { openLog } from "../common/log.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { untilStopSignal } from "../common/stop-signal.ts";
import { controllerConfig } from "./config.ts";
import { startController } from "./main.ts";

/** The controller as a program of its own, as its image runs it: `node controller.mjs CONFIG`. */
async function serve(): Promise<void> {
  refuseUnfitRuntime();
  const file = process.argv[2];
  if (file === undefined) throw new UserError("no configuration given", "Call it with the path of its configuration: controller.mjs CONFIG.", EXIT.usage);
  const environment = readEnvironment();
  const namespace = environment["WEIR_NAMESPACE"];
  const config = parseConfig(controllerConfig, { name: file, reference: "docs/controller-configuration.md" }, readConfigFile(file), namespace === undefined ? {} : { namespace });
  const log = openLog("weir-controller", config.logLevel);
  const controller = await startController(config, { log, environment, identity: config.identity ?? environment["WEIR_POD_NAME"] ?? hostname() });
  log.info("controller.listening", { api: controller.apiPort, webhook: controller.webhookPort, admin: controller.adminUrl });
  try {
    await Promise.race([untilStopSignal(() => undefined), controller.failed]);
  } catch (error) {
    log.error("controller.failed", { error: describeError(error) });
    process.exitCode = EXIT.failure;
  }
  await controller.stop();
}

try {
  await serve();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`weir-controller: ${error.message}\n  ${error.hint}\n`);
  process.exitCode = error.exitCode;
}
