import { GROUP } from "../labels.ts";
import type { ResourceType } from "./kube-api.ts";

const core = (plural: string, kind: string, isNamespaced = true): ResourceType => ({ group: "", version: "v1", plural, kind, isNamespaced });
const own = (plural: string, kind: string): ResourceType => ({ group: GROUP, version: "v1alpha1", plural, kind, isNamespaced: true });

/** The types of objects that Weir's programs read or write. */
export const TYPES = {
  pods: core("pods", "Pod"),
  services: core("services", "Service"),
  secrets: core("secrets", "Secret"),
  configMaps: core("configmaps", "ConfigMap"),
  claims: core("persistentvolumeclaims", "PersistentVolumeClaim"),
  namespaces: core("namespaces", "Namespace", false),
  serviceAccounts: core("serviceaccounts", "ServiceAccount"),
  leases: { group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", isNamespaced: true },
  events: { group: "events.k8s.io", version: "v1", plural: "events", kind: "Event", isNamespaced: true },
  mutatingWebhooks: {
    group: "admissionregistration.k8s.io", version: "v1", plural: "mutatingwebhookconfigurations", kind: "MutatingWebhookConfiguration", isNamespaced: false,
  },
  networkPolicies: { group: "networking.k8s.io", version: "v1", plural: "networkpolicies", kind: "NetworkPolicy", isNamespaced: true },
  agents: own("agents", "Agent"),
  threads: own("threads", "Thread"),
  egressPolicies: own("egresspolicies", "EgressPolicy"),
  credentialGrants: own("credentialgrants", "CredentialGrant"),
  budgets: own("budgets", "Budget"),
} as const satisfies Record<string, ResourceType>;
