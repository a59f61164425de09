import { AGENTS } from "../../support/kube/boundary-lab.ts";
import { RELEASE } from "../../support/kube/chart.ts";
import { NODE_IMAGE } from "../../support/kube/node-lab.ts";
import { own, plainDeployment, program, thread } from "../cluster/resources.ts";
import type { ClusterStage } from "../cluster/stage.ts";
import { until } from "../cluster/story.ts";
import { ATTACKER_IMAGE, buildAttackerImage } from "./attacker-image.ts";

/** The attacker's own pod, and what it would like to be or to reach. */
export interface Scene {
  readonly pod: string;
  /** A process of the attacker's pod, for looking at its network from this machine. */
  readonly process: number;
  readonly address: string;
  /** A second governed pod, and the token that its sidecar has. */
  readonly neighbour: { readonly name: string; readonly address: string; readonly token: string };
  /** As the attacker's own sidecar has it. */
  readonly ownToken: string;
  readonly proxy: { readonly service: string; readonly pod: string };
  readonly controller: { readonly service: string; readonly pod: string };
}

/** Sends nothing by itself, so that what the captures see is the attacker's; has a door that should not open to it. */
const SILENT_SERVER = { image: NODE_IMAGE, command: ["node", "--eval", "require('node:http').createServer((_, answer) => answer.end('come in')).listen(8080)"] };
const THREAD = "attack";
const POD = "weir-attack";

/** An agent that is root in its container, beside a server of tools with an identity of its own; somebody else's governed pod stands next to it. */
export async function setScene(stage: ClusterStage): Promise<Scene> {
  await buildAttackerImage(stage.lab);
  const tools = { name: "docs", ...program("tools.mjs"), port: 8100, policies: ["docs"], grants: ["docs"] };
  const attacker = own("Agent", "attacker", { image: ATTACKER_IMAGE, command: ["sleep", "3600"], policies: ["github"], grants: ["github"], idleTimeout: "1h", mcpServers: [tools] });
  await stage.apply(attacker, thread(THREAD, "attacker"), plainDeployment(SILENT_SERVER));
  await stage.kubectl("wait", "--timeout=30s", "--for=condition=Ready", "agents", "--all");
  await stage.person.post(THREAD, "attack");
  await until("the attacker's pod", async () => (await stage.kubectl("get", "pod", POD, "--ignore-not-found", "--output", "name")) !== "");
  await stage.kubectl("wait", "--timeout=60s", "--for=condition=Ready", `pod/${POD}`);
  await stage.kubectl("rollout", "status", "deployment/importer", "--timeout=60s");
  const [attackers, neighbour] = [await podOf(stage, ["--field-selector", `metadata.name=${POD}`]), await podOf(stage, ["--selector", "app=importer"])];
  return {
    pod: POD, address: attackers.address, process: await stage.lab.processOf(attackers.uid), ownToken: await tokenOf(stage, attackers),
    neighbour: { name: neighbour.name, address: neighbour.address, token: await tokenOf(stage, neighbour) },
    proxy: await installed(stage, "proxy"), controller: await installed(stage, "controller"),
  };
}

interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly address: string;
}

async function podOf({ lab }: ClusterStage, selection: readonly string[], namespace: string = AGENTS): Promise<Pod> {
  const { items } = JSON.parse(await lab.kubectl(["--namespace", namespace, "get", "pods", ...selection, "--output", "json"])) as { items: { metadata: { name: string; uid: string }; status: { podIP: string } }[] };
  const [first] = items;
  if (first === undefined) throw new Error(`no pod by ${selection.join(" ")}`);
  return { ...first.metadata, address: first.status.podIP };
}

/** As the kubelet asks for it. */
async function tokenOf({ lab }: ClusterStage, { name, uid }: Pod): Promise<string> {
  return lab.tokenFor(`${AGENTS}/default`, { audience: "weir-proxy", seconds: 600, pod: { name, uid } });
}

async function installed(stage: ClusterStage, component: "proxy" | "controller"): Promise<{ service: string; pod: string }> {
  const { namespace } = RELEASE;
  const service = await stage.lab.kubectl(["--namespace", namespace, "get", "service", `weir-${component}`, "--output", "jsonpath={.spec.clusterIP}"]);
  return { service: service.trim(), pod: (await podOf(stage, ["--selector", `app.kubernetes.io/component=${component}`], namespace)).address };
}
