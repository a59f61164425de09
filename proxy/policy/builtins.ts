import { COLLECTION_BUILTINS } from "./builtins/collections.ts";
import { ENCODING_BUILTINS } from "./builtins/encodings.ts";
import { NETWORK_BUILTINS } from "./builtins/networks.ts";
import { REGEX_BUILTINS } from "./builtins/regular-expressions.ts";
import { TEXT_BUILTINS } from "./builtins/texts.ts";
import { TIME_BUILTINS } from "./builtins/times.ts";
import { UNIT_BUILTINS } from "./builtins/units.ts";
import { UUID_BUILTINS } from "./builtins/uuids.ts";
import { VERSION_BUILTINS } from "./builtins/versions.ts";
import type { Builtin } from "./host-calls.ts";

/**
 * Builtins of Rego that the WebAssembly of OPA leaves to its host and that policies need. Each gives what `opa eval` gives for the same
 * arguments (test/policy/builtins.test.ts), but for what docs/policy-builtins.md lists; where OPA is undefined, so is the answer. None reads anything but its arguments, except the
 * clock, which stands still during one evaluation. What one cannot do exactly, or would make too much of, it throws: that ends the evaluation.
 */
const PURE_BUILTINS: Readonly<Record<string, Builtin>> = {
  ...COLLECTION_BUILTINS, ...ENCODING_BUILTINS, ...NETWORK_BUILTINS, ...REGEX_BUILTINS, ...TEXT_BUILTINS, ...TIME_BUILTINS, ...UNIT_BUILTINS, ...UUID_BUILTINS,
  ...VERSION_BUILTINS,
};

/** @param nowMs wall clock of the evaluation under way, in milliseconds */
export function builtinsAt(nowMs: () => number): Readonly<Record<string, Builtin>> {
  return { "time.now_ns": () => BigInt(Math.trunc(nowMs())) * 1_000_000n, ...PURE_BUILTINS };
}

/** Names of the builtins above, for the compiler's capabilities. */
export const HOST_BUILTINS: readonly string[] = ["time.now_ns", ...Object.keys(PURE_BUILTINS)];
