import type { Command } from "commander";
import { EXIT } from "../../common/exit-codes.ts";
import { formatPolicy } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";

/** `weir policy fmt` */
export function registerFormat(policy: Command, io: Io): void {
  policy.command("fmt").argument("<directory>", "policy folder").option("--check", "change nothing; exit 1 if a file is not formatted")
    .description("Format the Rego files of a policy folder as `opa fmt` does.")
    .action(async (directory: string, options: { check?: boolean }) => {
      const changed = await formatPolicy(directory, { environment: io.environment, announce: io.err, check: options.check === true });
      for (const file of changed) io.out(file);
      if (options.check === true && changed.length > 0) io.exitWith(EXIT.failure);
    });
}
