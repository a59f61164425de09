import { spawnSync } from "node:child_process";
import { EXIT, UserError } from "../common/exit-codes.ts";

/** A tool that takes longer than this hangs, and a pod must not start half governed. In milliseconds. */
const TOOL_DEADLINE_MS = 10_000;

/**
 * Runs one tool of the system to its end and returns what it printed.
 * Synchronous, because init does one thing after the other and nothing beside.
 * @throws UserError with the tool's own words if it is missing, hangs or fails
 */
export function runTool(command: string, args: readonly string[], input = ""): string {
  const done = spawnSync(command, args, { input, encoding: "utf8", timeout: TOOL_DEADLINE_MS, maxBuffer: 4 << 20 });
  if (done.error !== undefined) {
    throw new UserError(`${command} cannot be run: ${done.error.message}`, `Install it (Debian: apt-get install ${PACKAGES[command] ?? command}).`, EXIT.unavailable, { cause: done.error });
  }
  if (done.status !== 0) {
    throw new UserError(`${command} ${args.join(" ")} failed: ${done.stderr.trim()}`, "It needs CAP_NET_ADMIN in this network namespace and nftables in the kernel.", EXIT.unavailable);
  }
  return done.stdout;
}

const PACKAGES: Readonly<Record<string, string>> = { nft: "nftables", ip: "iproute2" };
