import type { ResourceType } from "../../common/kube/kube-api.ts";

const cluster = (group: string, plural: string, kind: string): ResourceType => ({ group, version: "v1", plural, kind, isNamespaced: false });

/** Types that only the operator's tool looks at; Weir's programs in the cluster have no use for them. */
export const SEEN_TYPES = {
  kinds: cluster("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
  nodes: cluster("", "nodes", "Node"),
  admissionPolicies: cluster("admissionregistration.k8s.io", "validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
  admissionBindings: cluster("admissionregistration.k8s.io", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"),
  deployments: { group: "apps", version: "v1", plural: "deployments", kind: "Deployment", isNamespaced: true },
  daemonSets: { group: "apps", version: "v1", plural: "daemonsets", kind: "DaemonSet", isNamespaced: true },
} as const satisfies Record<string, ResourceType>;
