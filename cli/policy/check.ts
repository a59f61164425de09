import type { Command } from "commander";
import { checkPolicyFolder } from "../../proxy/operator.ts";
import { count } from "../count.ts";
import type { Io } from "../io.ts";

/** `weir policy check` */
export function registerCheck(policy: Command, io: Io): void {
  policy.command("check").argument("<directory>", "policy folder")
    .description("Check data.yaml and packs against their schemas, and Rego against the library and the input's schema; every problem at once.")
    .action(async (directory: string) => {
      const { entries, regoFiles, packs } = await checkPolicyFolder(directory, io.environment, io.err);
      const taken = packs.length === 0 ? "" : ` (with ${count(packs.length, "pack", "packs")}: ${packs.join(", ")})`;
      io.out(`${directory}: fit; ${count(entries, "entry", "entries")}${taken}, ${count(regoFiles, "Rego file", "Rego files")}`);
    });
}
