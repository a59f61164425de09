import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KubernetesPrograms } from "../../../../tools/kubernetes.ts";
import type { ClusterFiles } from "../cluster-files.ts";
import { run } from "../command.ts";
import { startServer, type ServerProcess } from "../server-process.ts";
import { cniConfig, containerdConfig, containerdSocket, kubeletConfig, NODE_NAME } from "./configs.ts";
import type { LabNamespaces } from "./namespaces.ts";

const START_DEADLINE_MS = 20_000;
const IMPORT_DEADLINE_MS = 120_000;

/** containerd in the node's namespaces, ready for images. */
export async function startContainerd(files: ClusterFiles, namespaces: LabNamespaces): Promise<ServerProcess> {
  const { folder, path } = files;
  await mkdir(join(folder, "cni"));
  await writeFile(join(folder, "cni/lab.conflist"), cniConfig(folder, namespaces.addresses));
  await writeFile(path("containerd.toml"), containerdConfig(folder));
  const server = startServer("containerd", ["--config", path("containerd.toml")], path("containerd.log"), namespaces.node);
  await server.ready(async () => ctr(folder, ["version"]).then(() => true), START_DEADLINE_MS);
  return server;
}

/** The kubelet, and kube-proxy in its nftables mode. They wait for the API server by themselves. */
export async function startKubelet(programs: KubernetesPrograms, files: ClusterFiles, namespaces: LabNamespaces): Promise<ServerProcess[]> {
  const { folder, path } = files;
  const { addresses } = namespaces;
  await files.server("kubelet-server", [NODE_NAME, addresses.node]);
  await writeFile(path("resolv.conf"), `nameserver ${addresses.outside}\n`);
  await writeFile(path("kubelet.yaml"), kubeletConfig(folder, addresses, path));
  const kubeletIdentity = await files.kubeconfig("kubelet", await files.identity(`system:node:${NODE_NAME}`, ["system:nodes"]));
  const proxyIdentity = await files.kubeconfig("kube-proxy", await files.identity("system:kube-proxy"));
  const kubelet = startServer(programs.kubelet, [
    `--config=${path("kubelet.yaml")}`, `--kubeconfig=${kubeletIdentity}`, `--hostname-override=${NODE_NAME}`, `--node-ip=${addresses.node}`, `--root-dir=${folder}/kubelet`,
  ], path("kubelet.log"), namespaces.node);
  const proxy = startServer(programs.proxy, [
    "--proxy-mode=nftables", `--kubeconfig=${proxyIdentity}`, `--hostname-override=${NODE_NAME}`, `--cluster-cidr=${addresses.pods}`,
    // These settings belong to the machine, not to the namespace.
    "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
  ], path("kube-proxy.log"), namespaces.node);
  return [kubelet, proxy];
}

export async function importArchive(folder: string, archive: string): Promise<void> {
  await ctr(folder, ["--namespace", "k8s.io", "images", "import", archive]);
}

async function ctr(folder: string, args: readonly string[]): Promise<void> {
  await run(["ctr", "--address", containerdSocket(folder), ...args], { deadlineMs: IMPORT_DEADLINE_MS });
}
