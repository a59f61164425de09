import * as z from "zod";
import { HOST_BUILTINS } from "./builtins.ts";

/** Builtins that OPA's WebAssembly carries in itself; some are put right by the host (builtins/corrections.ts). */
export const WASM_BUILTINS: readonly string[] = `
  abs all and any array.concat array.flatten array.reverse array.slice assign base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
  bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor ceil concat contains count div endswith eq equal floor format_int
  glob.match graph.reachable gt gte indexof internal.member_2 internal.member_3 internal.print internal.template_string intersection is_array is_boolean is_null
  is_number is_object is_set is_string json.filter json.is_valid json.marshal json.remove json.unmarshal lower lt lte max min minus mul neq
  net.cidr_contains net.cidr_intersects numbers.range object.filter object.get object.keys object.remove object.union object.union_n or plus product
  re_match regex.find_all_string_submatch_n regex.is_valid regex.match rem replace round set_diff sort split startswith
  strings.replace_n strings.reverse substring sum to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name
  union upper walk
`.trim().split(/\s+/);

/** What the compiler knows and a policy cannot have, by what keeps it out. Whatever a newer compiler knows beside is left out as well. */
export const LEFT_OUT: readonly { readonly why: string; readonly names: readonly string[] }[] = [
  { why: "reaches outside: a decision depends on its input and its data alone", names: ["http.send", "net.lookup_ip_addr", "opa.runtime"] },
  { why: "a decision is reproducible", names: ["rand.intn", "uuid.rfc4122"] },
  {
    why: "needs keys, which policy does not hold; the boundary lends credentials itself",
    names: [
      "crypto.parse_private_keys", "crypto.x509.parse_keypair", "crypto.x509.parse_rsa_private_key", "io.jwt.decode_verify", "io.jwt.encode_sign", "io.jwt.encode_sign_raw",
      "io.jwt.verify_*", "providers.aws.sign_req",
    ],
  },
  {
    why: "a parser of a large grammar; the boundary reads bodies itself (`graphql`, `json`), bounded",
    names: ["crypto.x509.parse_*", "graphql.*", "json.match_schema", "json.verify_schema", "rego.parse_module", "yaml.*", "strings.render_template", "uri.*"],
  },
  { why: "what it gives depends on the evaluator that OPA has and WebAssembly has not", names: ["trace", "print (the compiler takes it away)", "internal.test_case"] },
  { why: "no policy has needed it", names: ["json.patch", "json.marshal_with_options", "regex.globs_match", "strings.split_n", "cast_*", "net.cidr_overlap"] },
];

/** Gone once compiled: the compiler puts what the rule's annotations say in their place. */
export const COMPILED_AWAY: readonly string[] = ["rego.metadata.rule", "rego.metadata.chain"];

const capabilities = z.looseObject({ builtins: z.array(z.looseObject({ name: z.string() })) });

/**
 * Narrows what `opa capabilities --current` prints to what the evaluator can do, so that everything else is a compile error with its line.
 * @param supplied what it can do; an agent's policy has all of it
 */
export function pinnedCapabilities(current: string, supplied: readonly string[] = [...WASM_BUILTINS, ...HOST_BUILTINS]): string {
  const all = capabilities.parse(JSON.parse(current));
  const allowed = new Set([...supplied, ...COMPILED_AWAY]);
  return JSON.stringify({ ...all, builtins: all.builtins.filter(({ name }) => allowed.has(name)), allow_net: [] });
}
