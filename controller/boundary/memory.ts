import { qualifiedId } from "../../common/boundary-set.ts";
import { clusterMemory, type ClusterPolicy } from "../../proxy/operator.ts";
import type { Excluded } from "./policies.ts";
import { refused } from "./verdict.ts";

/**
 * The policies of the namespace that takes most of the evaluators' memory, if all together take more than there is; null if they fit. What compresses
 * well fits into the ConfigMap many times over, and a proxy that cannot load it keeps the boundary of before, with everything that was revoked
 * since. Pure.
 * @throws Error if there is no policy to leave out
 */
export function overMemory(cluster: ClusterPolicy, limitBytes: number): Excluded | null {
  const { totalBytes, policyBytes } = clusterMemory(cluster);
  if (totalBytes <= limitBytes) return null;
  const byNamespace = Map.groupBy(cluster.policies, ({ namespace }) => namespace);
  const bytesOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }) => policyBytes.get(qualifiedId(namespace, name)) ?? 0;
  const sums = [...byNamespace].map(([, policies]) => ({ policies, bytes: policies.reduce((sum, policy) => sum + bytesOf(policy), 0) }));
  const [heaviest] = sums.toSorted((one, other) => other.bytes - one.bytes);
  if (heaviest === undefined) throw new Error(`the boundary takes ${totalBytes} bytes of memory without any EgressPolicy; ${limitBytes} are there`);
  const reason = refused("TooLarge", `the policies of the cluster would take ${totalBytes} bytes of each proxy's memory, ${limitBytes} are there; `
    + `the namespace whose policies take most (${heaviest.bytes}) is left out first`);
  return new Map(heaviest.policies.map(({ namespace, name }) => [qualifiedId(namespace, name), reason]));
}
