import { gzipSync } from "node:zlib";
import type { BoundarySet } from "../../common/boundary-set.ts";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { compileFolder } from "../../proxy/policy/compile-policy.ts";
import { policyData } from "../../proxy/policy/data.ts";

export interface BoundaryWish extends Partial<Omit<BoundarySet, "version">> {
  readonly revision: string;
  /** As `data.yaml`. */
  readonly hosts?: readonly object[];
  /** In place of the bundle. */
  readonly bundle?: Buffer;
}

/** The ConfigMap of a boundary, compiled as the controller does it for data without Rego. */
export async function aBoundary(wish: BoundaryWish): Promise<KubeObject> {
  const { hosts = [], bundle, ...set } = wish;
  const packed = bundle ?? await writeBundle(await compileFolder({ data: policyData.parse({ hosts }), rego: new Map() }, async () => { throw new Error("no Rego here"); }));
  const whole: BoundarySet = { version: 1, platform: null, agents: {}, grants: {}, budgets: {}, ...set };
  return {
    metadata: { name: "weir-boundary", namespace: "weir-system" },
    binaryData: { "bundle.tar.gz": packed.toString("base64"), "boundary.json.gz": gzipSync(JSON.stringify(whole)).toString("base64") },
  };
}
