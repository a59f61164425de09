import * as z from "zod";
import { METERS } from "./meters.ts";

/** The audience that every identity token for a node proxy carries: a token for anything else is useless here. */
export const PROXY_AUDIENCE = "weir-proxy";

export { TOKEN_LIMIT_BYTES } from "./preamble.ts";

const label = z.string().min(1).max(253);

/** By meter, in digits of its whole units, `usd` in nano-dollars: the most that a thread may use in its life. Meters that are absent have no such cap. */
export const allowance = z.partialRecord(z.enum(METERS), z.string().regex(/^\d{1,19}$/));
export type Allowance = z.infer<typeof allowance>;

/**
 * Who speaks. `instance` is unique for each running pod or local process tree and is what pools, caches and ledgers are keyed by;
 * `thread` outlives it. `chain` lists the agents that spawned this one, outermost first.
 */
export const agentIdentity = z.strictObject({
  namespace: label,
  name: label,
  thread: label,
  instance: label,
  user: z.string().max(253),
  labels: z.record(z.string().max(253), z.string().max(253)),
  chain: z.array(label).max(16),
  /** The most that this instance may be lent, by grant id; absent: what its agent holds, or what the configuration says (one machine). */
  grants: z.array(label).max(64).optional(),
  /** What its thread was given by the one that spawned it. Everything that it and its own children do is charged to it. */
  allowance: allowance.optional(),
  /** The allowances of the threads in `chain`, in its order: what this one does is charged to each of them too. */
  chainAllowances: z.array(allowance).max(16).optional(),
  /** Name of the pod, where the instance runs in one; `instance` begins with the pod's UID then. */
  pod: label.optional(),
});
export type AgentIdentity = z.infer<typeof agentIdentity>;

/** The private claim under which a local issuer (`weir run`, `weir up`) puts the identity. */
export const IDENTITY_CLAIM = "weir.dev/agent";
