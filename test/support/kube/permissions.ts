/** What the programs ask of the API server. The chart's roles say the same (test/proofs/rbac.ts), and the code asks nothing else (test/structure/permissions.test.ts). */

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";

/** `cluster`: in every namespace, or of no namespace. `own`: in the installation's. `agents`: in those that `agentNamespaces` names. */
export type Scope = "cluster" | "own" | "agents";

export interface Need {
  readonly group: string;
  /** Plural, with `/` and the subresource if it is one. */
  readonly resource: string;
  readonly verbs: readonly Verb[];
  readonly scope: Scope;
  /** Only these objects. */
  readonly names?: readonly string[];
  readonly why: string;
}

/** `redirect` is there where the chart's `redirect.mode` is `node`. */
export type Program = "proxy" | "controller" | "redirect";

const WEIR = "weir.dev";
const KINDS = ["agents", "threads", "egresspolicies", "credentialgrants", "budgets"] as const;

/** The Secret that is named by `proxy.secrets` where the list is tried. */
export const LENT_SECRET = "lent-keys";

export const NEEDS: Readonly<Record<Program, readonly Need[]>> = {
  proxy: [
    { group: "", resource: "pods", verbs: ["get", "list", "watch"], scope: "cluster", why: "the pods of its node, by field selector" },
    { group: "authentication.k8s.io", resource: "tokenreviews", verbs: ["create"], scope: "cluster", why: "whether a token's pod and account still exist" },
    { group: "", resource: "configmaps", names: ["weir-boundary"], verbs: ["get", "list", "watch"], scope: "own", why: "policies, grants and budgets as compiled" },
    { group: "", resource: "secrets", names: [LENT_SECRET], verbs: ["get"], scope: "agents", why: "what CredentialGrants lend of Secrets; those that `proxy.secrets` of the chart names" },
  ],
  redirect: [
    { group: "", resource: "pods", verbs: ["list", "watch"], scope: "cluster", why: "the governed pods of its node, by selectors" },
    { group: "", resource: "services", names: ["weir-proxy"], verbs: ["get"], scope: "own", why: "the address that the rules let out" },
  ],
  controller: [
    ...KINDS.map((resource): Need => ({ group: WEIR, resource, verbs: ["get", "list", "watch"], scope: "cluster", why: "definitions of every team" })),
    ...KINDS.map((resource): Need => ({ group: WEIR, resource: `${resource}/status`, verbs: ["patch"], scope: "cluster", why: "what came of them" })),
    { group: WEIR, resource: "threads", verbs: ["create", "update", "patch", "delete"], scope: "cluster", why: "opened and ended by the API; a finalizer" },
    { group: WEIR, resource: "threads/finalizers", verbs: ["update"], scope: "cluster", why: "pods and claims name their thread as owner that waits for them" },
    { group: "", resource: "pods", verbs: ["get", "list", "watch"], scope: "cluster", why: "instances, and pods that call" },
    { group: "", resource: "persistentvolumeclaims", verbs: ["get", "list", "watch"], scope: "cluster", why: "volumes of threads" },
    { group: "", resource: "pods", verbs: ["create", "delete"], scope: "agents", why: "instances" },
    { group: "", resource: "persistentvolumeclaims", verbs: ["create", "delete"], scope: "agents", why: "volumes of threads" },
    { group: "authentication.k8s.io", resource: "tokenreviews", verbs: ["create"], scope: "cluster", why: "who calls the API" },
    { group: "authorization.k8s.io", resource: "subjectaccessreviews", verbs: ["create"], scope: "cluster", why: "whether the caller may create threads by kubectl, too" },
    { group: "events.k8s.io", resource: "events", verbs: ["create", "update"], scope: "cluster", why: "what people should see at their objects" },
    { group: "admissionregistration.k8s.io", resource: "mutatingwebhookconfigurations", names: ["weir-injection"], verbs: ["get", "patch"], scope: "cluster", why: "the CA of its own webhook" },
    { group: "", resource: "secrets", verbs: ["create"], scope: "own", why: "its CA and its webhook's certificate, once" },
    { group: "", resource: "secrets", names: ["weir-ca"], verbs: ["get"], scope: "own", why: "the CA of the boundary, which is never replaced" },
    { group: "", resource: "secrets", names: ["weir-webhook"], verbs: ["get", "update"], scope: "own", why: "its webhook's certificate, which is renewed" },
    { group: "", resource: "configmaps", verbs: ["create"], scope: "own", why: "the boundary and the public CA, once" },
    { group: "", resource: "configmaps", names: ["weir-boundary", "weir-ca"], verbs: ["get", "update"], scope: "own", why: "the same, afterwards" },
    { group: "coordination.k8s.io", resource: "leases", verbs: ["create"], scope: "own", why: "who leads, once" },
    { group: "coordination.k8s.io", resource: "leases", names: ["weir-controller"], verbs: ["get", "update"], scope: "own", why: "who leads" },
    { group: "", resource: "services", names: ["weir-proxy", "weir-controller"], verbs: ["get"], scope: "own", why: "addresses that pods and proxies are told" },
  ],
};

/** Paths that are no resources. */
export const PATHS: Readonly<Record<Program, readonly string[]>> = { proxy: ["/openid/v1/jwks", "/.well-known/openid-configuration"], controller: [], redirect: [] };
