import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { buildPolicy } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";

/** `weir policy build` */
export function registerBuild(policy: Command, io: Io): void {
  policy.command("build").argument("<directory>", "policy folder").requiredOption("-o, --output <file>", "bundle to write")
    .description("Build a policy folder into one bundle that needs no compiler where it is used.")
    .action(async (directory: string, options: { output: string }) => {
      const { revision, packed } = await buildPolicy(directory, io.environment, io.err);
      await writeFile(options.output, packed);
      io.out(`${options.output}: revision ${revision}, ${packed.byteLength} bytes`);
    });
}
