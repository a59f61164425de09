import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { STARTER_POLICY_FILES } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { STARTER_CONFIG } from "../starter-config.ts";

const HELP = `
Writes weir.yaml (commented), policy/data.yaml (what agents may reach) and a test of that policy. Nothing that exists is overwritten.

Then:
  weir doctor
  weir policy test policy
  weir run -- curl -s https://example.com/`;

export function registerInit(program: Command, io: Io): void {
  program.command("init")
    .summary("write a starter weir.yaml, policy and policy test")
    .description("Write a commented starter: weir.yaml, a policy, and a test of that policy.")
    .argument("[directory]", "where to write", ".")
    .addHelpText("after", HELP)
    .action((directory: string) => { init(directory, io); });
}

function init(directory: string, io: Io): void {
  const files = new Map([["weir.yaml", STARTER_CONFIG], ...Object.entries(STARTER_POLICY_FILES).map(([name, text]) => [join("policy", name), text] as const)]);
  const taken = [...files.keys()].filter((name) => existsSync(join(directory, name)));
  if (taken.length > 0) {
    throw new UserError(`already there: ${taken.join(", ")}`, "Move them away or choose another folder: `weir init DIRECTORY`.", EXIT.failure);
  }
  for (const [name, text] of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
    io.out(`wrote ${relative(process.cwd(), path) || path}`);
  }
  io.out(`\nNext: ${io.colors.bold("weir doctor")}, then ${io.colors.bold("weir run -- curl -s https://example.com/")}`);
}
