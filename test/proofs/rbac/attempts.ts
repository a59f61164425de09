import { NAMESPACES } from "./expected.ts";

/** A request that neither program may make. */
export interface Attempt {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: object;
}

const { own, agents, other } = NAMESPACES;
const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ADMISSION = "/apis/admissionregistration.k8s.io/v1";
const binding = { roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" }, subjects: [{ kind: "ServiceAccount", name: "weir-controller", namespace: own }] };
const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec: { containers: [{ name: "x", image: "x:1" }] } };

/** Secrets, other people's pods, nodes, and every way to give oneself more. */
export const ATTEMPTS: readonly Attempt[] = [
  { method: "GET", path: `/api/v1/namespaces/${other}/secrets` },
  { method: "GET", path: `/api/v1/namespaces/${agents}/secrets` },
  { method: "GET", path: `/api/v1/namespaces/${own}/secrets` },
  { method: "GET", path: `/api/v1/namespaces/${own}/secrets/sh.helm.release.v1.weir.v1` },
  { method: "GET", path: "/api/v1/secrets" },
  { method: "POST", path: `/api/v1/namespaces/${agents}/pods/x/exec?command=sh` },
  { method: "GET", path: `/api/v1/namespaces/${agents}/pods/x/log` },
  { method: "PATCH", path: `/api/v1/namespaces/${agents}/pods/x/ephemeralcontainers`, body: { spec: { ephemeralContainers: [{ name: "x", image: "x:1" }] } } },
  { method: "POST", path: `/api/v1/namespaces/${other}/pods?dryRun=All`, body: pod },
  { method: "POST", path: `/api/v1/namespaces/${own}/pods?dryRun=All`, body: pod },
  { method: "POST", path: "/api/v1/namespaces/kube-system/pods?dryRun=All", body: pod },
  { method: "POST", path: `/api/v1/namespaces/${own}/serviceaccounts/default/token`, body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: ["weir-proxy"] } } },
  { method: "POST", path: `/api/v1/namespaces/${own}/serviceaccounts/weir-controller/token`, body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} } },
  { method: "GET", path: "/api/v1/nodes" },
  { method: "GET", path: "/api/v1/nodes/x/proxy/" },
  { method: "GET", path: `${RBAC}/clusterroles` },
  { method: "POST", path: `${RBAC}/clusterrolebindings?dryRun=All`, body: { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name: "x" }, ...binding } },
  { method: "POST", path: `${RBAC}/namespaces/${agents}/rolebindings?dryRun=All`, body: { apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", metadata: { name: "x" }, ...binding } },
  { method: "PATCH", path: `${RBAC}/clusterroles/weir-controller`, body: { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] } },
  { method: "PATCH", path: `${ADMISSION}/mutatingwebhookconfigurations/somebody-elses`, body: { webhooks: [] } },
  { method: "DELETE", path: `${ADMISSION}/mutatingwebhookconfigurations/weir-injection` },
  { method: "GET", path: `${ADMISSION}/validatingadmissionpolicies` },
  { method: "DELETE", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/threads.weir.dev" },
  { method: "DELETE", path: `/api/v1/namespaces/${agents}` },
  { method: "DELETE", path: `/apis/networking.k8s.io/v1/namespaces/${agents}/networkpolicies/weir-agents` },
  { method: "PATCH", path: `/apis/apps/v1/namespaces/${own}/daemonsets/weir-proxy`, body: { metadata: { labels: { x: "y" } } } },
  { method: "PATCH", path: `/api/v1/namespaces/${own}/configmaps/weir-proxy`, body: { data: {} } },
];
