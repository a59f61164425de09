import { readEnvironment, type Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { openLog } from "../common/log.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { applyRules } from "./apply.ts";
import { initConfig } from "./config.ts";
import { setUpNetwork } from "./network.ts";
import { checkPlace } from "./place.ts";
import { checkNothingLeaves } from "./self-check.ts";
import { readSettings, type Settings } from "./settings.ts";

const SETTINGS: Settings<typeof initConfig> = {
  schema: initConfig, program: "init",
  names: [
    "mode", "nodeAddresses", "proxyPort", "sidecarUid", "containers", "inbound", "inboundFrom", "sidecarTcpPort", "sidecarDnsPort",
    "onlyAt", "neverAt", "caPem", "trustDirectory", "extraCaFiles",
  ],
  numeric: new Set(["proxyPort", "sidecarUid", "sidecarTcpPort", "sidecarDnsPort"]),
};

/**
 * Puts the rules into the network namespace it runs in, checks that they hold, writes the trust files of a pod, and exits 0; anything else exits non-zero, and then
 * nothing may run in this namespace. 78: configuration. 69: a tool or a right is missing. 1: the rules do not hold.
 */
async function main(args: readonly string[], environment: Environment): Promise<void> {
  refuseUnfitRuntime();
  const config = readSettings(args, environment, SETTINGS);
  const log = openLog("weir-init", "info");
  if (config.mode !== "trust") {
    checkPlace(config);
    const loaded = applyRules(config);
    setUpNetwork(config);
    await checkNothingLeaves(config);
    log.info("rules.applied", { mode: config.mode, fingerprint: loaded.fingerprint });
  }
  if (config.mode !== "local" && config.caPem !== undefined) {
    // Loaded here alone: a local sandbox starts without it, and sooner.
    const { writeTrust } = await import("../common/trust.ts");
    const { bundleFile } = await writeTrust({ caPem: config.caPem, directory: config.trustDirectory, extraCaFiles: config.extraCaFiles });
    log.info("trust.written", { bundleFile });
  }
}

try {
  await main(process.argv.slice(2), readEnvironment());
} catch (error) {
  const known = error instanceof UserError ? error : new UserError(`unexpected: ${String(error)}`, "Please report this.", EXIT.failure);
  process.stderr.write(`weir-init: ${known.message}\n  ${known.hint}\n`);
  process.exitCode = known.exitCode;
}
