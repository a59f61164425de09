import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { newPackFiles, readShippedPacks } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";

const HELP = `
Writes packs/NAME.yaml and packs/NAME_test.yaml, commented, with a test that passes. Then:
  1. write what agents need of the service into the pack, and what they must not have into its test
  2. weir policy test policy
  3. take it up in policy/data.yaml:  packs: [{pack: NAME, grants: [GRANT]}]

Example:
  weir policy new-pack tracker --host tracker.example.com`;

/** `weir policy new-pack` */
export function registerNewPack(policy: Command, io: Io): void {
  policy.command("new-pack").argument("<name>", "name of the pack")
    .description("Write a pack of your own, commented, and a test that it passes.")
    .requiredOption("--host <host>", "host of the service; `*.example.com` is one label more")
    .option("-d, --directory <directory>", "policy folder", "policy")
    .addHelpText("after", HELP)
    .action(async (name: string, options: { host: string; directory: string }) => { await writePack(name, options, io); });
}

async function writePack(name: string, { host, directory }: { host: string; directory: string }, io: Io): Promise<void> {
  const files = newPackFiles(name, host);
  if ((await readShippedPacks()).has(name)) throw new UserError(`a pack ${name} comes with Weir`, `See it with \`weir policy packs ${name}\`, or give yours another name.`, EXIT.usage);
  if (!existsSync(directory)) throw new UserError(`there is no policy folder ${directory}`, "`weir init` writes one; --directory names another.", EXIT.failure);
  const paths = [...files].map(([path, text]) => ({ path: join(directory, path), text }));
  const taken = paths.filter(({ path }) => existsSync(path));
  if (taken.length > 0) throw new UserError(`already there: ${taken.map(({ path }) => path).join(", ")}`, "Choose another name.", EXIT.failure);
  for (const { path, text } of paths) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
    io.out(`wrote ${path}`);
  }
  io.out(`\nNext: edit both, then ${io.colors.bold(`weir policy test ${directory}`)}`);
}
