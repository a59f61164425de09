import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import type { Outcome } from "./dns-tunnel/machine.ts";

const TOOLS: readonly (readonly [command: string, packageName: string])[] = [
  ["iodine", "iodine"], ["iodined", "iodine"], ["ifconfig", "net-tools"], ["nft", "nftables"], ["ip", "iproute2"], ["unshare", "util-linux"], ["nsenter", "util-linux"], ["curl", "curl"],
];
/** Where Debian keeps them; a user's PATH may lack the second half. */
const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";
const DEADLINE_MS = { quick: 120_000, full: 30 * 60_000 };

/**
 * A real `iodine` as the agent, privileged in its namespace as no agent is, against a real `iodined` that is the authority of its zone and
 * stands where the real resolver is. Without a boundary the tunnel opens and carries data; behind the boundary, whether names resolve or
 * are hidden, no tunnel opens, no byte comes through, and no packet of any kind reaches the resolver's side.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const missing = TOOLS.filter(([command]) => spawnSync("sh", ["-c", `command -v ${command}`], { env: { PATH } }).status !== 0);
  if (missing.length > 0) throw new Error(`missing: ${missing.map(([command]) => command).join(", ")}; apt-get install ${[...new Set(missing.map(([, name]) => name))].join(" ")}`);
  const outcome = await runMachine({ quick, seed }, print);
  for (const problem of outcome.problems) print(`  FAIL ${problem}`);
  const { bytesThrough, questionsOutside, packetsOutside } = outcome;
  return {
    holds: outcome.problems.length === 0 && bytesThrough === 0 && questionsOutside === 0 && packetsOutside === 0,
    figure: `${bytesThrough} B/s goodput in ${outcome.attempts} attempts (${outcome.freeBytesPerSecond} B/s without a boundary), `
      + `${outcome.questionsInside} questions answered inside, ${questionsOutside} questions and ${packetsOutside} packets at the resolver`,
  };
}

/** Runs the trial as root of namespaces of its own, so that it needs no root; with its process namespace ends all that it started. */
async function runMachine(options: Pick<ProofOptions, "quick" | "seed">, print: (line: string) => void): Promise<Outcome> {
  const machine = spawn("unshare", ["-Urn", "--pid", "--fork", "--kill-child", "--mount-proc", "--", process.execPath, join(import.meta.dirname, "dns-tunnel", "machine.ts"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "pipe"], env: { PATH }, timeout: options.quick ? DEADLINE_MS.quick : DEADLINE_MS.full, killSignal: "SIGKILL",
  });
  let complaints = "";
  machine.stderr.on("data", (chunk: Buffer) => { complaints = (complaints + chunk.toString()).slice(-4_000); });
  let outcome: Outcome | null = null;
  for await (const text of createInterface({ input: machine.stdout })) {
    const said = JSON.parse(text) as { readonly line?: string; readonly outcome?: Outcome };
    if (said.line !== undefined) print(`  ${said.line}`);
    if (said.outcome !== undefined) outcome = said.outcome;
  }
  if (outcome === null) throw new Error(`the trial ended without an outcome: ${complaints}`);
  return outcome;
}
