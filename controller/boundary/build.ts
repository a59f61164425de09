import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { qualifiedId, type BoundarySet } from "../../common/boundary-set.ts";
import { describeError } from "../../common/lifecycle.ts";
import { clusterBundle, clusterSources, compileClusterRego, writeBundle, type Bundle, type ClusterPolicy, type Opa, type TenantPolicy } from "../../proxy/operator.ts";
import type { BoundaryPlan } from "./plan.ts";
import { refused, type Refused } from "./verdict.ts";

/** The boundary as the node proxies read it: OPA's bundle and the document beside it, both packed. */
export interface PackedBoundary {
  readonly revision: string;
  readonly bundleRevision: string;
  readonly bundle: Buffer;
  readonly set: Buffer;
}

/** Compiles Rego of all tenants together; the last result is kept, because most changes are of data alone. */
export class RegoBuilder {
  readonly #opa: Opa | null;
  readonly #compile: typeof compileClusterRego;
  #last: { readonly hash: string; readonly wasm: Bundle["wasm"] } | null = null;

  constructor(opa: Opa | null, compile: typeof compileClusterRego = compileClusterRego) {
    this.#opa = opa;
    this.#compile = compile;
  }

  /** @throws Error with the compiler's messages */
  async build(policies: readonly TenantPolicy[]): Promise<Bundle["wasm"]> {
    const sources = clusterSources(policies);
    const hash = createHash("sha256").update(JSON.stringify([...sources])).digest("hex");
    if (this.#last?.hash !== hash) this.#last = { hash, wasm: await this.#compile(sources, this.#opa) };
    return this.#last.wasm;
  }

  /**
   * Which policies to leave out so that the rest can be built. Each passed the check by itself, so this is rare: those that cannot be built alone; or,
   * if each can, all with Rego.
   * @returns by policy id
   */
  async culprits(policies: readonly TenantPolicy[], whole: unknown): Promise<ReadonlyMap<string, Refused>> {
    const withRego = policies.filter(({ rego }) => rego.sources.size > 0);
    const found = new Map<string, Refused>();
    for (const policy of withRego) {
      await this.#compile(clusterSources([policy]), this.#opa).catch((error: unknown) => { found.set(idOf(policy), refused("BuildFailed", describeError(error))); });
    }
    if (found.size > 0) return found;
    return new Map(withRego.map((policy) => [idOf(policy), refused("BuildFailed", `the Rego of the cluster cannot be built together: ${describeError(whole)}`)]));
  }
}

const idOf = ({ namespace, name }: TenantPolicy): string => qualifiedId(namespace, name);

/** Packs a plan; the same plan gives the same bytes. */
export async function packBoundary(cluster: ClusterPolicy, set: BoundaryPlan["set"], wasm: Bundle["wasm"]): Promise<PackedBoundary> {
  const bundle = clusterBundle(cluster, wasm);
  const digest = createHash("sha256").update(JSON.stringify(set)).digest("hex").slice(0, 16);
  const document: BoundarySet = { ...set, revision: `${bundle.revision}-${digest}` };
  return {
    revision: document.revision, bundleRevision: bundle.revision, bundle: await writeBundle(bundle),
    set: await promisify(gzip)(JSON.stringify(document), { level: 9 }),
  };
}
