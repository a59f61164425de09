import { NODE_IMAGE } from "../../support/kube/node-lab.ts";
import type { ClusterStage } from "../cluster/stage.ts";
import { until } from "../cluster/story.ts";

/** A namespace that the chart makes `restricted`, where the node writes the rules. */
export const RESTRICTED = "restricted-agents";
const PATH = "/from-a-restricted-namespace";

/** A governed pod runs where no container may have any right, and reaches what its policy allows. @returns what is not so */
export async function runRestricted({ lab, apply, arrived }: ClusterStage): Promise<readonly string[]> {
  const metadata = { name: "visitor", namespace: RESTRICTED };
  const weir = { apiVersion: "weir.dev/v1alpha1", metadata };
  const program = `fetch("https://docs.github.com${PATH}").catch(() => {}).then(() => setInterval(() => {}, 1000))`;
  await apply(
    { ...weir, kind: "EgressPolicy", spec: { data: { hosts: [{ name: "docs.github.com", rule: "docs.read" }] } } },
    { ...weir, kind: "Agent", spec: { policies: [metadata.name] } },
  );
  await lab.kubectl(["--namespace", RESTRICTED, "wait", "--timeout=30s", "--for=condition=Ready", "agents", "--all"]);
  await apply({
    apiVersion: "v1", kind: "Pod", metadata: { ...metadata, labels: { "weir.dev/inject": "enabled", "weir.dev/agent": metadata.name } },
    spec: {
      automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, securityContext: { runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: "RuntimeDefault" } },
      containers: [{ name: "visitor", image: NODE_IMAGE, imagePullPolicy: "Never", command: ["node", "--eval", program], securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } }],
    },
  });
  await until("a request from the restricted namespace", async () => arrived(PATH).length > 0);
  const level = await lab.kubectl(["get", "namespace", RESTRICTED, "--output", "jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/enforce}"]);
  const rights = await lab.kubectl(["--namespace", RESTRICTED, "get", "pod", metadata.name, "--output", "jsonpath={.spec.initContainers[*].securityContext.capabilities.add}"]);
  return [...(level === "restricted" ? [] : [`the namespace is ${level}`]), ...(rights === "" ? [] : [`a container of the boundary has ${rights}`])];
}
