/**
 * Flags of Node for the sidecar, wherever it is started: small spaces, because it keeps nothing; the collector within reach and thorough, so
 * that it gives memory back when idle; and no line on standard error about `node:ffi`, which sidecar/system-calls.ts tests before use.
 */
export const SIDECAR_NODE_FLAGS = [
  "--max-semi-space-size=1",
  "--max-old-space-size=64",
  "--v8-pool-size=0",
  "--expose-gc",
  "--stress-flush-code",
  "--flush-bytecode",
  "--compact-on-every-full-gc",
  "--disable-warning=ExperimentalWarning",
] as const;
