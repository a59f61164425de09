import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Io } from "../io.ts";
import { buildBundle, withBuildOptions, type BuildOptions } from "./build-bundle.ts";

/** `weir policy build` */
export function registerBuild(policy: Command, io: Io): void {
  withBuildOptions(policy.command("build").argument("<directory>", "policy folder").requiredOption("-o, --output <file>", "bundle to write"))
    .description("Build a policy folder into one bundle that needs no compiler where it is used, and sign it if a key is given.")
    .action(async (directory: string, options: BuildOptions & { readonly output: string }) => {
      const { revision, packed } = await buildBundle(directory, options, io);
      await writeFile(options.output, packed).catch((cause: NodeJS.ErrnoException) => {
        const reason = cause.code === "ENOENT" ? `there is no folder ${dirname(options.output)}` : cause.message;
        throw new UserError(`cannot write ${options.output}: ${reason}`, "Make the folder, or choose another.", EXIT.failure, { cause });
      });
      io.out(`${options.output}: revision ${revision}, ${packed.byteLength} bytes${options.sign === undefined ? "" : ", signed"}`);
    });
}
