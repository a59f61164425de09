import * as z from "zod";

/**
 * What the controller tells every node proxy besides the policy bundle: one JSON document, kept with the bundle in one ConfigMap, so that
 * both change together. It holds names and references, never a secret.
 */
export const BOUNDARY_CONFIG_MAP = "weir-boundary";
/** Keys of the ConfigMap's `binaryData`: OPA's bundle, and this document, gzip-compressed. */
export const BOUNDARY_KEYS = { bundle: "bundle.tar.gz", set: "boundary.json.gz" } as const;
/** Most bytes of both together; the API server takes 1 MiB for the whole object. */
export const BOUNDARY_LIMIT_BYTES = 900 * 1_024;

const LABEL_LIMIT = 63;
/** The longest is `namespace/agent.container`, each part a DNS label (RFC 1123 §2.1): one legal name must not make the whole boundary unfit. */
const id = z.string().min(1).max(3 * LABEL_LIMIT + 2);

export const boundarySet = z.strictObject({
  version: z.literal(1),
  /** Another text for other content; the same as the bundle's revision plus a hash of this document. */
  revision: z.string().min(1).max(200),
  /** Where the name `weir.internal` leads: the controller's service. */
  platform: z.strictObject({ address: z.string(), port: z.int().min(1).max(65_535) }).nullable(),
  /**
   * `namespace/agent` (for a container with its own identity `namespace/agent.container`) to what it holds. An agent that is not listed
   * is unknown: its connections are refused.
   */
  agents: z.record(id, z.strictObject({
    grants: z.array(id).max(64),
    budgets: z.array(id).max(16),
  })),
  /** Grant id (`namespace.name`) to a grant as `grants` in the proxy's configuration; the proxy checks each by its own schema. */
  grants: z.record(id, z.json()),
  /** Budget id (`namespace.name`) to a budget as `budgets.named` in the proxy's configuration. */
  budgets: z.record(id, z.json()),
});
export type BoundarySet = z.output<typeof boundarySet>;

/** Key of an agent, or of one of its containers, in {@link BoundarySet.agents}. */
export function agentKey(namespace: string, agent: string, container?: string): string {
  return `${namespace}/${agent}${container === undefined ? "" : `.${container}`}`;
}

/** Id of a namespaced grant or budget in policies, grants and budgets of the proxies. Neither part contains a dot. */
export function qualifiedId(namespace: string, name: string): string {
  return `${namespace}.${name}`;
}
