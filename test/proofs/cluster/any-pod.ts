import { helm, RELEASE } from "../../support/kube/chart.ts";
import { plainDeployment, podWithNetAdmin, SECRETS } from "./resources.ts";
import type { ClusterStage } from "./stage.ts";
import { until, type Story } from "./story.ts";

export const BEAT = "/repos/weir/beat";

/** A Deployment of somebody who only sets two labels is governed; what would get around the boundary is refused. */
export async function governAnyPod(stage: ClusterStage, story: Story): Promise<void> {
  await stage.apply(plainDeployment());
  await stage.kubectl("rollout", "status", "deployment/importer", "--timeout=60s");
  await until("a request of the Deployment arrives", async () => stage.arrived(BEAT).length > 0);
  story.must(stage.arrived(BEAT).every(({ headers }) => headers["authorization"] === `Bearer ${SECRETS.github}`), "the Deployment's requests do not carry the credential");
  const pod = JSON.parse(await stage.kubectl("get", "pods", "--selector=app=importer", "--output", "json")) as { items: { metadata: { name: string }; spec: { initContainers?: { name: string }[] } }[] };
  const [first] = pod.items;
  story.must(first?.spec.initContainers?.map(({ name }) => name).join() === "weir-init,weir-sidecar", "the webhook did not put the boundary in front of the pod");
  const record = await until("an audit record of the Deployment", async () => (await stage.events("importer")).find(({ unmapped }) => unmapped?.weir?.phase === "closed"));
  story.must(record.unmapped?.weir?.pod === first?.metadata.name, "the audit record names another pod");
  const refusal = await stage.apply(podWithNetAdmin()).then(() => "taken", String);
  story.must(refusal.includes("ValidatingAdmissionPolicy") && refusal.includes("NET_ADMIN"), `a pod without the label, with NET_ADMIN: ${refusal}`);
}

export async function testRelease({ lab }: ClusterStage, story: Story): Promise<void> {
  const told = await helm(["test", RELEASE.name, "--namespace", RELEASE.namespace, "--logs"], lab.adminKubeconfig);
  story.must(told.includes("Phase:          Succeeded") && !told.includes("FAILED"), `helm test: ${told}`);
}
