import { CORRECTIONS, type Correction } from "./builtins/corrections.ts";
import { redirectFunctions } from "./redirect-functions.ts";
import type { CompiledModule } from "../../common/rego/web-assembly.ts";

/** Beyond all numbers that OPA's compiler gives to what it leaves to the host. */
const FIRST_ID = 1_000_000;
const NUMBERED = CORRECTIONS.map((correction, index) => ({ ...correction, id: FIRST_ID + index, exportAs: `weir_own_${correction.symbol}` }));

/** The corrections by the numbers under which a module asks for them. */
export const CORRECTED: ReadonlyMap<number, Correction & { readonly exportAs: string }> = new Map(NUMBERED.map((correction) => [correction.id, correction]));

/** Machine code of a policy whose builtins are those of `opa eval`, wherever it was built. @throws Error if it is no WebAssembly, or none of OPA's compiler */
export async function compileCorrected(wasm: Uint8Array<ArrayBuffer>): Promise<CompiledModule> {
  return WebAssembly.compile(redirectFunctions(wasm, NUMBERED));
}
