import { subjectAccessReview, type AccessQuestion } from "../../../common/kube/reviews.ts";
import { GROUP } from "../../../common/labels.ts";
import type { Cluster } from "../cluster-connection.ts";
import { finding, type Check } from "./finding.ts";

type Asked = AccessQuestion["resource"];
const PROGRAMS = ["weir-controller", "weir-proxy"] as const;
type Program = (typeof PROGRAMS)[number];

/** What each program cannot do without; the chart's roles have the whole list. */
function needed(system: string, agentNamespaces: readonly string[]): readonly (readonly [Program, Asked])[] {
  return [
    ["weir-controller", { verb: "list", group: GROUP, resource: "agents" }],
    ["weir-controller", { verb: "watch", group: GROUP, resource: "threads" }],
    ["weir-controller", { verb: "patch", group: GROUP, resource: "threads", subresource: "status" }],
    ["weir-controller", { verb: "create", group: "authentication.k8s.io", resource: "tokenreviews" }],
    ["weir-controller", { verb: "create", group: "authorization.k8s.io", resource: "subjectaccessreviews" }],
    ["weir-controller", { verb: "update", group: "coordination.k8s.io", resource: "leases", namespace: system, name: "weir-controller" }],
    ["weir-controller", { verb: "update", group: "", resource: "configmaps", namespace: system, name: "weir-boundary" }],
    ...agentNamespaces.map((namespace) => ["weir-controller", { verb: "create", group: "", resource: "pods", namespace }] as const),
    ...agentNamespaces.map((namespace) => ["weir-controller", { verb: "create", group: "", resource: "persistentvolumeclaims", namespace }] as const),
    ["weir-proxy", { verb: "watch", group: "", resource: "pods" }],
    ["weir-proxy", { verb: "watch", group: "", resource: "configmaps", namespace: system, name: "weir-boundary" }],
    ["weir-proxy", { verb: "create", group: "authentication.k8s.io", resource: "tokenreviews" }],
  ];
}

/** What neither may: whoever takes one of them over must not have the cluster. */
const EXCESS: readonly Asked[] = [
  { verb: "list", group: "", resource: "secrets" }, { verb: "create", group: "", resource: "pods", subresource: "exec" },
  { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
];

/** Namespaces that are asked about one by one. */
const NAMESPACES_LIMIT = 50;

/** Whether the programs' service accounts have the rights that they need, and none that they should not. */
export const rightsCheck: Check = {
  name: "rights",
  run: async (cluster, facts) => {
    const namespaces = (await facts.agentNamespaces()).slice(0, NAMESPACES_LIMIT);
    const wanted = await Promise.all(needed(cluster.systemNamespace, namespaces)
      .map(async ([program, asked]) => ((await may(cluster, program, asked)) ? [] : [`${program} may not ${words(asked)}`])));
    const excess = await Promise.all(PROGRAMS.flatMap((program) => EXCESS
      .map(async (asked) => ((await may(cluster, program, asked)) ? [`${program} may ${words(asked)}`] : []))));
    const findings = [
      ...wanted.flat().map((detail) => finding.fail(
        "rights", detail,
        "The chart's roles have it: `helm upgrade`; a namespace for agents must be in `agentNamespaces`, or bound by hand (docs/kubernetes.md).",
      )),
      ...excess.flat().map((detail) => finding.warn("rights", detail, "Take it away: the chart gives no such right.")),
    ];
    return findings.length > 0 ? findings : [finding.ok("rights", "controller and proxies have what they need, and none of what would give the cluster away")];
  },
};

async function may({ api, systemNamespace }: Cluster, program: Program, resource: Asked): Promise<boolean> {
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${systemNamespace}`, "system:authenticated"];
  const verdict = await subjectAccessReview(api, { user: { username: `system:serviceaccount:${systemNamespace}:${program}`, groups }, resource });
  return verdict.isAllowed;
}

function words({ verb, resource, subresource, namespace, name }: Asked): string {
  const what = `${resource}${subresource === undefined ? "" : `/${subresource}`}${name === undefined ? "" : ` ${name}`}`;
  return `${verb} ${what} ${namespace === undefined ? "in the whole cluster" : `in ${namespace}`}`;
}
