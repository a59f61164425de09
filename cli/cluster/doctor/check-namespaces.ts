import { TYPES } from "../../../common/kube/resource-types.ts";
import type { Cluster } from "../cluster-connection.ts";
import type { SeenObject } from "../resources.ts";
import { SEEN_TYPES } from "../seen-types.ts";
import { GOVERNED_LABEL } from "./facts.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

const ENFORCE = "pod-security.kubernetes.io/enforce";
const POLICIES = ["weir-injected", "weir-agents"] as const;

/** Whether the namespaces for agents let the boundary in, and nothing else out. */
export const namespacesCheck: Check = {
  name: "namespaces",
  run: async (cluster, facts) => {
    const wanted = await facts.agentNamespaces();
    if (wanted.length === 0) return [finding.warn("namespaces", "there is none for agents", "Name them in the chart's `agentNamespaces`.")];
    const known = await facts.namespaces();
    const bound = await facts.namedNamespaces();
    const look = async (name: string) => inspect(cluster, name, {
      found: known.find(({ metadata }) => metadata.name === name), isNamed: bound.includes(name), takesRestricted: await facts.doNodesWriteRules(),
    });
    return (await Promise.all(wanted.map(look))).flat();
  },
};

async function inspect(
  { api }: Cluster, name: string,
  { found, isNamed, takesRestricted }: { readonly found: SeenObject | undefined; readonly isNamed: boolean; readonly takesRestricted: boolean },
): Promise<ClusterFinding[]> {
  const title = `namespace ${name}`;
  if (found === undefined) return [finding.fail(title, "it is not there", "Make it, or set `agentNamespaces[].create` in the chart.")];
  const findings: ClusterFinding[] = [];
  const level = found.metadata.labels[ENFORCE];
  if (level !== undefined && level !== "privileged" && !takesRestricted) {
    findings.push(finding.fail(
      title, `Pod Security enforces ${level}: the boundary's init container is refused`,
      `\`kubectl label --overwrite namespace ${name} ${ENFORCE}=privileged\`; admission policies refuse NET_ADMIN to all others. `
        + "Or let nodes write the rules: `redirect.mode: node`.",
    ));
  }
  if (!isNamed && found.metadata.labels[GOVERNED_LABEL] !== "enabled") {
    findings.push(finding.warn(
      title, "other pods there may have NET_ADMIN, hostPath or the node's network",
      `Add it to the chart's \`agentNamespaces\`, or \`kubectl label namespace ${name} ${GOVERNED_LABEL}=enabled\`.`,
    ));
  }
  const present = new Set((await api.list(TYPES.networkPolicies, { namespace: name })).items.map(({ metadata }) => metadata.name));
  const missing = POLICIES.filter((policy) => !present.has(policy));
  if (missing.length > 0) {
    findings.push(finding.fail(
      title, `no NetworkPolicy ${missing.join(", ")}: nothing outside of the pod holds agents to the boundary`,
      "Add the namespace to the chart's `agentNamespaces`, or apply those of docs/kubernetes.md.",
    ));
  }
  return findings.length > 0 ? findings : [finding.ok(title, "takes the boundary, refuses ways around it, and has its NetworkPolicies")];
}

/** DaemonSets of network plug-ins, and whether those enforce NetworkPolicies. */
const PLUGINS: readonly (readonly [RegExp, boolean])[] = [
  [/^(calico-node|canal|cilium|anetd|antrea-agent|kube-router|weave-net|ovnkube-node|azure-npm|kube-network-policies)$/, true],
  [/^(kube-)?flannel(-ds)?$/, false],
];

/** Whether NetworkPolicies are more than words here, as far as that can be seen without trying. */
export const networkCheck: Check = {
  name: "network plug-in",
  run: async ({ api }) => {
    const names = (await api.list(SEEN_TYPES.daemonSets, {})).items.map(({ metadata }) => metadata.name);
    const known = names.flatMap((name) => PLUGINS.filter(([pattern]) => pattern.test(name)).map(([, doesEnforce]) => ({ name, doesEnforce })));
    const enforcing = known.find(({ doesEnforce }) => doesEnforce);
    if (enforcing !== undefined) return [finding.ok("network plug-in", `${enforcing.name} is there, which enforces NetworkPolicies unless it was told not to`)];
    const lax = known.find(({ doesEnforce }) => !doesEnforce);
    if (lax !== undefined) {
      return [finding.fail(
        "network plug-in", `${lax.name} does not enforce NetworkPolicies: root in a pod can leave the boundary aside`,
        "Add a plug-in that does, such as Cilium, Calico or kube-network-policies.",
      )];
    }
    return [finding.warn(
      "network plug-in", "from here nobody can tell whether NetworkPolicies are enforced",
      "Try it: from a pod with the label `weir.dev/agent`, in a namespace for agents, nothing but port 15008 of the proxies may answer.",
    )];
  },
};
