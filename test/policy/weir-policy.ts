import { Command } from "commander";
import pc from "picocolors";
import { registerPolicy } from "../../cli/commands/policy.ts";
import type { Io } from "../../cli/io.ts";
import { readEnvironment } from "../../common/config.ts";

export interface Ran {
  readonly out: string;
  readonly exitCode: number;
}

/**
 * `weir policy ARGS` in this process. It is how these are tested: cli/policy/build.ts, cli/policy/check.ts, cli/policy/eval.ts, cli/policy/format.ts, cli/policy/new-pack.ts,
 * cli/policy/open-engine.ts, cli/policy/packs.ts, cli/policy/test.ts and cli/policy/try.ts.
 */
export async function weirPolicy(...args: readonly string[]): Promise<Ran> {
  const out: string[] = [];
  let exitCode = 0;
  const colors = pc.createColors(false);
  const io: Io = { out: (line) => { out.push(line); }, err: () => undefined, colors, errColors: colors, isTerminal: false, environment: readEnvironment(), exitWith: (code) => { exitCode = code; } };
  const program = new Command("weir").exitOverride();
  registerPolicy(program, io);
  await program.parseAsync(["policy", ...args], { from: "user" });
  return { out: out.join("\n"), exitCode };
}
