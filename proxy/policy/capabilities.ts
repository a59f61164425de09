import * as z from "zod";
import { HOST_BUILTINS } from "./builtins.ts";

/**
 * Builtins that OPA's WebAssembly carries in itself, or that the runtime's package supplies and that do what `opa eval` does. Left out on purpose:
 * `regex.split` and `yaml.*` (the runtime does them in JavaScript: other grammar, and a pattern can stall it), `rand.intn` (a decision is
 * reproducible) and everything that reaches outside (`http.send`, `net.lookup_ip_addr`, `opa.runtime`).
 */
const WASM_BUILTINS = `
  abs all any array.concat array.slice assign base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
  bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil concat contains count div endswith eq equal floor format_int
  glob.match graph.reachable gt gte indexof internal.member_2 internal.member_3 internal.print intersection is_array is_boolean is_null
  is_number is_object is_set is_string json.filter json.is_valid json.marshal json.remove json.unmarshal lower lt lte max min minus mul neq
  net.cidr_contains net.cidr_intersects numbers.range object.filter object.get object.keys object.remove object.union or and plus product
  re_match regex.find_all_string_submatch_n regex.is_valid regex.match rem replace round set_diff sort split sprintf startswith
  strings.replace_n substring sum time.diff to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name
  union upper walk
`.trim().split(/\s+/);

const capabilities = z.looseObject({ builtins: z.array(z.looseObject({ name: z.string() })) });

/** Narrows what `opa capabilities --current` prints to what the evaluator can do, so that everything else is a compile error with its line. */
export function pinnedCapabilities(current: string): string {
  const all = capabilities.parse(JSON.parse(current));
  const allowed = new Set([...WASM_BUILTINS, ...HOST_BUILTINS]);
  return JSON.stringify({ ...all, builtins: all.builtins.filter(({ name }) => allowed.has(name)), allow_net: [] });
}
