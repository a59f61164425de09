import { gzipSync } from "node:zlib";
import { factsOf } from "../../cli/cluster/doctor/facts.ts";
import type { Check, ClusterFinding } from "../../cli/cluster/doctor/finding.ts";
import { SEEN_TYPES } from "../../cli/cluster/seen-types.ts";
import { BOUNDARY_CONFIG_MAP, BOUNDARY_KEYS, type BoundarySet } from "../../common/boundary-set.ts";
import type { KubeObject, ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { aCluster, type SeenCluster } from "./seen-cluster.ts";

const SYSTEM = "weir-system";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** `weir-controller list secrets`, as the tests name a right. */
export type Right = string;

/** A cluster in memory in which an installation is whole, as far as objects show it; a test breaks one thing. */
export interface InstalledCluster extends SeenCluster {
  /** Rights, other than those that the chart gives, that somebody was given or lost. */
  readonly rights: { readonly more: Set<Right>; readonly fewer: Set<Right> };
  /** Changes an object that is there; one in a namespace, in the installation's. */
  change(type: ResourceType, name: string, change: (object: Record<string, unknown>) => void): Promise<void>;
  /** What one check says. */
  said(check: Check): Promise<readonly ClusterFinding[]>;
}

export async function anInstalledCluster(): Promise<InstalledCluster> {
  const cluster = aCluster();
  const rights = { more: new Set<Right>(), fewer: new Set<Right>() };
  cluster.api.answers.set(ACCESS_REVIEWS, (body) => {
    const { spec: { user, resourceAttributes: { verb, resource, subresource } } } = body as { spec: { user: string; resourceAttributes: { verb: string; resource: string; subresource?: string } } };
    const right = `${user.split(":").at(-1)} ${verb} ${resource}${subresource === undefined ? "" : `/${subresource}`}`;
    const isExcess = /secrets|exec|clusterrolebindings/.test(right);
    return { status: { allowed: isExcess ? rights.more.has(right) : !rights.fewer.has(right) } };
  });
  cluster.api.answers.set("/version", () => ({ gitVersion: "v1.36.3" }));
  cluster.api.answers.set("/apis/authentication.k8s.io/v1/selfsubjectreviews", () => ({ status: { userInfo: { username: "admin" } } }));
  await addKinds(cluster);
  await addPrograms(cluster);
  await addNamespace(cluster);
  await cluster.add(TYPES.configMaps, BOUNDARY_CONFIG_MAP, boundaryData({}), SYSTEM);
  return {
    ...cluster, rights,
    change: async (type, name, change) => {
      const ref = { name, ...(type.isNamespaced ? { namespace: SYSTEM } : {}) };
      const found = structuredClone(await cluster.api.get(type, ref)) as Record<string, unknown> | null;
      if (found === null) throw new Error(`there is no ${type.kind} ${name}`);
      change(found);
      await cluster.api.replace(type, found as unknown as KubeObject);
    },
    said: async (check) => check.run(cluster, factsOf(cluster)),
  };
}

/** Of the ConfigMap of a boundary. */
export function boundaryData(over: Partial<BoundarySet>): Readonly<Record<string, unknown>> {
  const set: BoundarySet = { version: 1, revision: "r1", platform: { address: "10.0.0.1", port: 443 }, agents: {}, grants: {}, budgets: {}, ...over };
  return { binaryData: { [BOUNDARY_KEYS.bundle]: Buffer.from("bundle").toString("base64"), [BOUNDARY_KEYS.set]: gzipSync(JSON.stringify(set)).toString("base64") } };
}

async function addKinds(cluster: SeenCluster): Promise<void> {
  for (const { plural, group, version } of [TYPES.agents, TYPES.threads, TYPES.egressPolicies, TYPES.credentialGrants, TYPES.budgets]) {
    await cluster.add(SEEN_TYPES.kinds, `${plural}.${group}`, {
      spec: { versions: [{ name: version, served: true, storage: true }] }, status: { conditions: [{ type: "Established", status: "True" }] },
    });
  }
  for (const name of ["weir-agent-namespaces", "weir-governed-pods", "weir-ephemeral-containers", "weir-identity-fields"]) {
    await cluster.add(SEEN_TYPES.admissionPolicies, name, { spec: { failurePolicy: "Fail" } });
    await cluster.add(SEEN_TYPES.admissionBindings, name, { spec: { policyName: name, validationActions: ["Deny"] } });
  }
}

async function addPrograms(cluster: SeenCluster): Promise<void> {
  await cluster.add(SEEN_TYPES.deployments, "weir-controller", { spec: { replicas: 2 }, status: { readyReplicas: 2, updatedReplicas: 2, observedGeneration: 1 } }, SYSTEM);
  await cluster.add(TYPES.leases, "weir-controller", { spec: { holderIdentity: "one", leaseDurationSeconds: 15, renewTime: new Date().toISOString() } }, SYSTEM);
  await cluster.add(SEEN_TYPES.daemonSets, "weir-proxy", { status: { desiredNumberScheduled: 2, numberReady: 2, updatedNumberScheduled: 2, observedGeneration: 1 } }, SYSTEM);
  for (const node of ["a", "b"]) {
    await cluster.add(SEEN_TYPES.nodes, node);
    await cluster.add(TYPES.pods, `weir-proxy-${node}`, {
      metadata: { labels: { "app.kubernetes.io/name": "weir", "app.kubernetes.io/component": "proxy" } }, spec: { nodeName: node }, status: { conditions: [{ type: "Ready", status: "True" }] },
    }, SYSTEM);
    cluster.texts.set(`weir-proxy-${node}:`, 'weir_boundary_info{revision="r1"} 1\nweir_boundary_trouble 0\nweir_audit_healthy 1\n');
  }
}

async function addNamespace(cluster: SeenCluster): Promise<void> {
  await cluster.add(TYPES.namespaces, "team", { metadata: { labels: { "weir.dev/governed": "enabled", "pod-security.kubernetes.io/enforce": "privileged" } } });
  for (const name of ["weir-injected", "weir-agents"]) await cluster.add(TYPES.networkPolicies, name);
}
