/**
 * Flags of Node for the sidecar, wherever it is started: small spaces, because it keeps nothing; no start-up snapshot, which would bring
 * 0.7 MB of what it never uses (and saves 30 ms at the start); the collector within reach and thorough, so that it gives memory back when
 * idle; and no line on standard error about `node:ffi`, which sidecar/original-destination.ts tests before use. bench/sidecar.ts measures.
 */
export const SIDECAR_NODE_FLAGS = [
  "--max-semi-space-size=1",
  "--max-old-space-size=64",
  "--v8-pool-size=0",
  "--no-node-snapshot",
  "--expose-gc",
  "--stress-flush-code",
  "--flush-bytecode",
  "--compact-on-every-full-gc",
  "--disable-warning=ExperimentalWarning",
] as const;
