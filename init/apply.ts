/**
 * in: RulesConfig · out: rules in the kernel, read back · ends early with: exit 69 (no tool, no right), 1 (the kernel holds something else) · next: self-check.ts
 *
 * Applying again replaces the table in one transaction and changes nothing else, so that running it twice is the same as once.
 */
import { EXIT, UserError } from "../common/exit-codes.ts";
import type { RulesConfig } from "./config.ts";
import { readBack, type LoadedRules } from "./read-back.ts";
import { planRules, renderRules, TABLE } from "./rules.ts";
import { runTool } from "./run-tool.ts";

/** @throws UserError; the caller must then not let anything run in the namespace */
export function applyRules(config: RulesConfig): LoadedRules {
  runTool("nft", ["-f", "-"], renderRules(planRules(config)));
  const loaded = readRules(config);
  if (loaded.differences.length > 0) {
    throw new UserError(`the kernel holds other rules than were given to it:\n${loaded.differences.map((one) => `  ${one}`).join("\n")}`,
      "Look for another program that edits nftables in this namespace, then run init again.", EXIT.failure);
  }
  return loaded;
}

/** What the kernel holds now, compared with what this configuration means. */
function readRules(config: RulesConfig): LoadedRules {
  return readBack(runTool("nft", ["-j", "list", "table", "inet", TABLE]), planRules(config));
}
