import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { Io } from "../io.ts";
import { buildBundle, withBuildOptions, type BuildOptions } from "./build-bundle.ts";

/** `weir policy build` */
export function registerBuild(policy: Command, io: Io): void {
  withBuildOptions(policy.command("build").argument("<directory>", "policy folder").requiredOption("-o, --output <file>", "bundle to write"))
    .description("Build a policy folder into one bundle that needs no compiler where it is used, and sign it if a key is given.")
    .action(async (directory: string, options: BuildOptions & { readonly output: string }) => {
      const { revision, packed } = await buildBundle(directory, options, io);
      await writeFile(options.output, packed);
      io.out(`${options.output}: revision ${revision}, ${packed.byteLength} bytes${options.sign === undefined ? "" : ", signed"}`);
    });
}
