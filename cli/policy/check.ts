import type { Command } from "commander";
import { checkPolicyFolder } from "../../proxy/operator.ts";
import { count } from "../count.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { missingNames } from "./missing-names.ts";

/** `weir policy check` */
export function registerCheck(policy: Command, io: Io): void {
  policy.command("check").argument("<directory>", "policy folder")
    .description("Check data.yaml and packs against their schemas, and Rego against the library and the input's schema; every problem at once. Warns of what is fit and most likely not meant.")
    .option("-c, --config <file>", "configuration whose grants and budgets the policy may name; default ./weir.yaml if it exists")
    .action(async (directory: string, options: { readonly config?: string }) => {
      const { entries, regoFiles, packs, warnings, names } = await checkPolicyFolder(directory, io.environment, io.err);
      const { config, file } = loadConfig(options.config);
      for (const warning of [...warnings, ...(file === null ? [] : missingNames(config, names))]) io.err(`${io.errColors.yellow("warning:")} ${warning}`);
      const taken = packs.length === 0 ? "" : ` (with ${count(packs.length, "pack", "packs")}: ${packs.join(", ")})`;
      io.out(`${directory}: fit; ${count(entries, "entry", "entries")}${taken}, ${count(regoFiles, "Rego file", "Rego files")}`);
    });
}
