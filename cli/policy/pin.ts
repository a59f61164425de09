import type { Command } from "commander";
import { HighestRevision, policyStateDirectory, requireOrder } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { stateDirectory } from "../state-directory.ts";

interface PinOptions {
  readonly config?: string;
  readonly state?: string;
}

/** `weir policy pin` */
export function registerPin(policy: Command, io: Io): void {
  policy.command("pin").argument("[revision]", "lowest revision that may come into force from now on")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("--state <directory>", "state directory of the proxy; overrides the configuration")
    .description("Say which revision of signed bundles is the highest that was in force, or set it: the way back to an older policy.")
    .action(async (revision: string | undefined, { config, state }: PinOptions) => {
      const highest = new HighestRevision(policyStateDirectory(state ?? stateDirectory(loadConfig(config).config, io.environment)));
      if (revision !== undefined) await highest.pin(requireOrder(revision));
      const now = await highest.read();
      if (now === null) io.out("no signed bundle was in force yet");
      else io.out(`${now.revision} ${now.digest === null ? "(pinned): this and every higher revision may come into force" : `is the highest that was in force, ${now.digest}`}`);
    });
}
