import { randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import type { ProofOptions, ProofResult } from "../test/support/proof.ts";

/** What a file of test/proofs/ exports. */
interface Proof {
  run(options: ProofOptions): Promise<ProofResult>;
}

const FOLDER = new URL("../test/proofs/", import.meta.url);
const SEED_LIMIT = 2 ** 31;

/** Names of all proofs; each is a file directly in test/proofs/. */
export function proofNames(): string[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith(".ts")).map((entry) => entry.name.slice(0, -3)).sort();
}

/** Runs one proof. @returns the exit code */
async function main(argv: readonly string[], print: (line: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv], allowPositionals: true, options: { quick: { type: "boolean", default: false }, seed: { type: "string" } },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0 || !proofNames().includes(name)) {
    throw new UserError(`usage: npm run proof -- NAME [--quick] [--seed N]`, `Proofs: ${proofNames().join(", ") || "none"}.`, EXIT.usage);
  }
  const seed = values.seed === undefined ? randomInt(SEED_LIMIT) : readSeed(values.seed);
  print(`seed ${seed}${values.quick ? ", quick form" : ""}`);
  const result = await runNamed(name, { quick: values.quick, seed, print });
  print(`proof ${name}: ${result.figure}`);
  return result.holds ? EXIT.ok : EXIT.failure;
}

async function runNamed(name: string, options: ProofOptions): Promise<ProofResult> {
  try {
    const proof = await import(new URL(`${name}.ts`, FOLDER).href) as Proof;
    const { holds, figure } = await proof.run(options);
    return holds === true ? { holds, figure } : { holds: false, figure: `DOES NOT HOLD: ${figure}` };
  } catch (error) {
    if (error instanceof Error) options.print(error.stack ?? "");
    return { holds: false, figure: `DOES NOT HOLD: ${describeError(error)}` };
  }
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new UserError(`--seed ${text}: not a whole number`, "Give the seed that a run printed.", EXIT.usage);
}

if (import.meta.main) {
  // A proof that leaves a handle open must not hang the tiers after it: the result is printed, so end.
  process.exit(await main(process.argv.slice(2), (line) => { process.stdout.write(`${line}\n`); }).catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n${error instanceof UserError ? `  ${error.hint}\n` : ""}`);
    return error instanceof UserError ? error.exitCode : EXIT.failure;
  }));
}
