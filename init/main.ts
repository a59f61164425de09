import { parseArgs } from "node:util";
import { parseConfig, readEnvironment, type Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { openLog } from "../common/log.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { applyRules } from "./apply.ts";
import { initConfig, type InitConfig } from "./config.ts";
import { setUpNetwork } from "./network.ts";
import { checkNothingLeaves } from "./self-check.ts";

/** Each setting as a flag, in kebab case; the same name in upper case behind WEIR_ is its environment variable. */
const SETTINGS = [
  "mode", "nodeAddresses", "proxyPort", "sidecarUid", "containers", "inbound", "inboundFrom", "sidecarTcpPort", "sidecarDnsPort",
  "caPem", "trustDirectory", "extraCaFiles",
] as const;
const NUMERIC = new Set<string>(["proxyPort", "sidecarUid", "sidecarTcpPort", "sidecarDnsPort"]);

/**
 * Puts the rules into the network namespace it runs in, checks that they hold, writes the trust files of a pod, and exits 0; anything else exits non-zero, and then
 * nothing may run in this namespace. 78: configuration. 69: a tool or a right is missing. 1: the rules do not hold.
 */
async function main(args: readonly string[], environment: Environment): Promise<void> {
  refuseUnfitRuntime();
  const config = readSettings(args, environment);
  const log = openLog("weir-init", "info");
  if (config.mode !== "trust") {
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

function readSettings(args: readonly string[], environment: Environment): InitConfig {
  const flags = Object.fromEntries(SETTINGS.map((name) => [kebab(name), { type: "string" } as const]));
  const { values } = readFlags(args, flags);
  const settings = SETTINGS.map((name) => {
    const given = values[kebab(name)] ?? environment[`WEIR_${kebab(name).replaceAll("-", "_").toUpperCase()}`];
    return [name, given !== undefined && NUMERIC.has(name) ? Number(given) : given];
  });
  return parseConfig(initConfig, "init", "{}", Object.fromEntries(settings));
}

function readFlags(args: readonly string[], options: Record<string, { type: "string" }>): { values: Record<string, string | undefined> } {
  try {
    return parseArgs({ args: [...args], options, strict: true });
  } catch (error) {
    throw new UserError((error as Error).message, `Known flags: ${Object.keys(options).map((name) => `--${name}`).join(" ")}`, EXIT.config, { cause: error });
  }
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

try {
  await main(process.argv.slice(2), readEnvironment());
} catch (error) {
  const known = error instanceof UserError ? error : new UserError(`unexpected: ${String(error)}`, "Please report this.", EXIT.failure);
  process.stderr.write(`weir-init: ${known.message}\n  ${known.hint}\n`);
  process.exitCode = known.exitCode;
}
