import { fileURLToPath } from "node:url";
import { SIDECAR_NODE_FLAGS } from "../../common/sidecar-flags.ts";

/** Bundled, the programs lie beside each other in dist/; in the checkout each is a source file that Node reads as it is. */
const IS_BUNDLED = import.meta.url.endsWith(".mjs");

const PROGRAMS = {
  init: { bundle: "./init.mjs", source: "../../init/main.ts", flags: [] },
  stage: { bundle: "./stage.mjs", source: "./stage.ts", flags: [] },
  sidecar: { bundle: "./sidecar.cjs", source: "../../sidecar/main.ts", flags: SIDECAR_NODE_FLAGS },
} as const;

/** The command line of one of Weir's own programs, with the Node that runs this one. */
export function programCommand(program: keyof typeof PROGRAMS, args: readonly string[]): [command: string, ...args: string[]] {
  const { bundle, source, flags } = PROGRAMS[program];
  return [process.execPath, ...flags, fileURLToPath(new URL(IS_BUNDLED ? bundle : source, import.meta.url)), ...args];
}
