import { fileURLToPath } from "node:url";
import { PORTS } from "../../../common/ports.ts";
import { AGENTS } from "../../support/kube/boundary-lab.ts";
import { RELEASE } from "../../support/kube/chart.ts";
import { ask, REVIEW } from "./conversation.ts";
import type { ClusterStage } from "./stage.ts";
import { until, type Story } from "./story.ts";

const FORGOTTEN_MS = 20_000;

/** Idle: pod and identity are gone, volume and history stay; the next message goes on where the last one ended. */
export async function sleepAndWake(stage: ClusterStage, story: Story): Promise<void> {
  const [pod, volume] = [await uidOf(stage), await volumeOf(stage)];
  // As the kubelet asks for the sidecar's: nobody may run a command in there to read that one.
  const token = await stage.lab.tokenFor(`${AGENTS}/default`, { audience: "weir-proxy", seconds: 600, pod: { name: REVIEW.pod, uid: pod } });
  story.must(await isAuthentic(stage, token), "the identity of a running pod is not taken");
  await until("the idle pod is gone", async () => (await stage.kubectl("get", "pod", REVIEW.pod, "--ignore-not-found")) === "");
  story.must(await dialWith(stage, token) === "closed", "the node proxy still takes the identity of a pod that is gone");
  // It remembers for ten seconds whom it has vouched for; the proxy looks at the pod and needs no such memory to end.
  await until("the API server no longer vouches for the identity of a pod that is gone", async () => !await isAuthentic(stage, token), FORGOTTEN_MS);
  story.must((await stage.person.thread(REVIEW.thread)).phase === "Idle", "the thread is not idle");
  story.must(await volumeOf(stage) === volume, "the volume is gone with the pod");
  const { notes } = await ask(stage, REVIEW.thread, "second", 2);
  story.must(notes === `first in ${REVIEW.pod}\nsecond in ${REVIEW.pod}\n`, `the workspace holds ${JSON.stringify(notes)}`);
  story.must(await volumeOf(stage) === volume && await uidOf(stage) !== pod, "not another pod with the same volume");
}

async function uidOf({ kubectl }: ClusterStage): Promise<string> {
  return kubectl("get", "pod", REVIEW.pod, "--output", "jsonpath={.metadata.uid}");
}

async function volumeOf({ kubectl }: ClusterStage): Promise<string> {
  return kubectl("get", "persistentvolumeclaim", `${REVIEW.pod}.workspace`, "--output", "jsonpath={.spec.volumeName}");
}

async function isAuthentic({ lab }: ClusterStage, token: string): Promise<boolean> {
  const { body } = await lab.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
    apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token, audiences: ["weir-proxy"] },
  });
  return (body["status"] as { authenticated?: boolean }).authenticated === true;
}

/** From the node itself, whom no NetworkPolicy binds: the proxy alone has to refuse it. @returns what dial-program.ts prints */
async function dialWith({ lab }: ClusterStage, token: string): Promise<string> {
  const host = (await lab.kubectl(["--namespace", RELEASE.namespace, "get", "service", "weir-proxy", "--output", "jsonpath={.spec.clusterIP}"])).trim();
  const preamble = { transport: "tcp", source: { address: lab.addresses.node, port: 1 }, destination: { address: lab.addresses.world, port: 443 }, token, connectionId: "stolen" };
  const program = fileURLToPath(new URL("../../support/kube/dial-program.ts", import.meta.url));
  return (await lab.run([process.execPath, program, host, String(PORTS.proxy), JSON.stringify(preamble)])).trim();
}
