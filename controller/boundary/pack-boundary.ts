import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { BoundarySet } from "../../common/boundary-set.ts";
import { clusterBundle, writeBundle, type Bundle, type ClusterPolicy } from "../../proxy/operator.ts";

/** The boundary as the node proxies read it: OPA's bundle and the document beside it, both packed. */
export interface PackedBoundary {
  readonly revision: string;
  readonly bundleRevision: string;
  readonly bundle: Buffer;
  readonly set: Buffer;
}

/** Packs a plan; the same plan gives the same bytes. */
export async function packBoundary(cluster: ClusterPolicy, set: Omit<BoundarySet, "revision">, wasm: Bundle["wasm"]): Promise<PackedBoundary> {
  const bundle = clusterBundle(cluster, wasm);
  const digest = createHash("sha256").update(JSON.stringify(set)).digest("hex").slice(0, 16);
  const document: BoundarySet = { ...set, revision: `${bundle.revision}-${digest}` };
  return {
    revision: document.revision, bundleRevision: bundle.revision, bundle: await writeBundle(bundle),
    set: await promisify(gzip)(JSON.stringify(document), { level: 9 }),
  };
}
