import type { KubernetesPrograms } from "../../../tools/kubernetes.ts";
import { callKube } from "./cluster-connection.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { startControllers } from "./controllers.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const NODES_DEADLINE_MS = 60_000;

/**
 * What level 2 adds: controller manager, scheduler, and kwok with `nodes` fake nodes, on which pods run as soon as they are scheduled and
 * vanish as soon as they are deleted. Resolves when all nodes are ready.
 */
export async function startFakeCluster(programs: KubernetesPrograms, files: ClusterFiles, nodes: number): Promise<readonly ServerProcess[]> {
  const kwokConfig = await files.kubeconfig("kwok", await files.identity("kwok", ["system:masters"]));
  const controllers = await startControllers(programs, files);
  const kwok = startServer(programs.kwok, [
    `--kubeconfig=${kwokConfig}`, "--manage-all-nodes", `--config=${programs.kwokStages}`, "--node-lease-duration-seconds=40", "--cidr=10.240.0.0/12",
  ], files.path("kwok.log"));
  await Promise.all(Array.from({ length: nodes }, async (_, index) => addNode(files, `fake-${index}`)));
  await kwok.ready(async () => await countReady(files) === nodes, NODES_DEADLINE_MS);
  return [...controllers, kwok];
}

async function addNode(files: ClusterFiles, name: string): Promise<void> {
  const labels = { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", type: "kwok" };
  const { status, body } = await callKube(files.admin, "POST", "/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name, labels, annotations: { "kwok.x-k8s.io/node": "fake" } } });
  if (status !== 201) throw new Error(`node ${name}: ${status} ${JSON.stringify(body)}`);
}

async function countReady(files: ClusterFiles): Promise<number> {
  const { body } = await callKube(files.admin, "GET", "/api/v1/nodes");
  const nodes = body["items"] as readonly { readonly spec: { readonly taints?: readonly unknown[] }; readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } }[];
  const isReady = (node: typeof nodes[number]) => node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
  // The taint of a new node stays until the controller manager has seen it ready.
  return nodes.filter((node) => isReady(node) && (node.spec.taints ?? []).length === 0).length;
}
