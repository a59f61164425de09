import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../../common/config.ts";
import { obtainKubernetes, type KubernetesPrograms } from "../../../tools/kubernetes.ts";
import { startApiServer, startEtcd } from "./api-server.ts";
import { clusterActions, type ClusterActions } from "./cluster-actions.ts";
import { prepareClusterFiles, type ClusterFiles } from "./cluster-files.ts";
import { restartable, type ControlPlane } from "./control-plane.ts";
import { startControllers } from "./controllers.ts";
import type { LabAddresses } from "./lab/addresses.ts";
import { makeCgroup, processOf, removeCgroup } from "./lab/cgroups.ts";
import { NODE_NAME, PAUSE_IMAGE } from "./lab/configs.ts";
import { packImage, packNodeImage, packPauseImage, type ImageWish } from "./lab/images.ts";
import { openNamespaces, type LabNamespaces } from "./lab/namespaces.ts";
import { importArchive, startContainerd, startKubelet } from "./lab/node-servers.ts";
import { enforcePolicies } from "./lab/network-policies.ts";
import { labVolumes } from "./lab/volumes.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

/** A cluster of one real node on this machine: level 3. NetworkPolicies hold. Needs root. */
export interface NodeLab extends ControlPlane {
  readonly addresses: LabAddresses;
  readonly nodeName: string;
  /** Makes an image of an OCI or Docker archive known to the node. Pods that use it need `imagePullPolicy: Never`, or `IfNotPresent`. */
  importImage(archive: string): Promise<void>;
  /** Packs a folder and imports it. */
  buildImage(wish: ImageWish): Promise<void>;
  /** Runs a command in the node's network namespace, e.g. `nft` or `tcpdump`. @throws Error with what it printed */
  run(argv: readonly string[], stdin?: string): Promise<string>;
  /** Starts a program there that ends with the lab. @param name of its log, in the lab's folder */
  serve(argv: readonly [string, ...string[]], name: string): ServerProcess;
  /** A process of a pod that runs, as this machine numbers it. @throws Error if there is none */
  processOf(podUid: string): Promise<number>;
}

/** An image with a shell, Node and nft, which every lab has. */
export const NODE_IMAGE = "lab.local/node:1";
export const LAB_PROGRAMS = ["etcd", "apiserver", "kubectl", "controllerManager", "scheduler", "kubelet", "proxy"] as const satisfies readonly (keyof KubernetesPrograms)[];

const FOLDER_PREFIX = "weir-node-lab-";
const API_SERVER_PORT = 6443;
const READY_DEADLINE_MS = 60_000;

/** Starts the node and resolves when it is ready for pods: about 15 s. Builds missing programs first. @throws Error if this is not root */
export async function startNodeLab(): Promise<NodeLab> {
  if (process.getuid?.() !== 0) throw new Error("a node needs root");
  const programs = await obtainKubernetes(readEnvironment(), (line) => { process.stderr.write(`${line}\n`); }, LAB_PROGRAMS);
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  // Containers of any user pass through it on the way to their volumes.
  await chmod(folder, 0o711);
  const parts: Parts = { folder, servers: [], namespaces: await openNamespaces(folder) };
  try {
    return await startParts(programs, parts);
  } catch (error) {
    await stop(parts);
    throw error;
  }
}

interface Parts {
  readonly folder: string;
  readonly namespaces: LabNamespaces;
  /** Those outside of the node's process namespace; the others end with it. */
  readonly servers: ServerProcess[];
}

async function startParts(programs: KubernetesPrograms, parts: Parts): Promise<NodeLab> {
  const { folder, namespaces, servers } = parts;
  const { addresses } = namespaces;
  const [files] = await Promise.all([prepareClusterFiles(folder, addresses.node, API_SERVER_PORT, [addresses.apiServerService]), makeCgroup(addresses.cgroup)]);
  const [restarts] = await Promise.all([
    startControl(programs, files, parts),
    startContainerd(files, namespaces).then(async (containerd) => {
      servers.push(containerd);
      const archives = await Promise.all([packPauseImage(PAUSE_IMAGE, folder), packNodeImage(NODE_IMAGE, folder)]);
      for (const archive of archives) await importArchive(folder, archive);
    }),
  ]);
  servers.push(...await startKubelet(programs, files, namespaces));
  const actions = await clusterActions(files, programs.kubectl);
  await actions.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: await labVolumes(folder) }));
  await servers.at(-1)?.ready(async () => isNodeReady(actions), READY_DEADLINE_MS);
  const enforcement = await enforcePolicies(actions.api, namespaces);
  const importImage = async (archive: string) => importArchive(folder, archive);
  const serve = ([program, ...args]: readonly [string, ...string[]], name: string): ServerProcess => {
    const server = startServer(program, args, join(folder, `${name}.log`), namespaces.network);
    servers.push(server);
    return server;
  };
  const buildImage = async (wish: ImageWish) => {
    const archive = join(await mkdtemp(join(folder, "image-")), "image.tar");
    await packImage(wish, archive);
    await importImage(archive);
  };
  return {
    ...actions, ...restarts, addresses, nodeName: NODE_NAME, importImage, buildImage, run: namespaces.run, serve,
    processOf: async (podUid) => processOf(addresses.cgroup, podUid),
    stop: async () => {
      await enforcement.stop();
      await actions.api.close();
      await stop(parts);
    },
  };
}

async function startControl(programs: KubernetesPrograms, files: ClusterFiles, { folder, namespaces, servers }: Parts) {
  const { addresses, network } = namespaces;
  const etcd = await startEtcd(programs.etcd, folder, network);
  servers.push(etcd.process);
  const extraArgs = [
    `--advertise-address=${addresses.node}`, "--kubelet-preferred-address-types=InternalIP", `--kubelet-certificate-authority=${files.path("ca.crt")}`,
    `--kubelet-client-certificate=${files.path("admin.crt")}`, `--kubelet-client-key=${files.path("admin.key")}`,
  ];
  const start = async () => startApiServer({ program: programs.apiserver, files, etcdUrl: etcd.url, services: addresses.services, extraArgs, within: network });
  const restarts = restartable(servers, await start(), start);
  servers.push(...await startControllers(programs, files, network));
  return restarts;
}

async function isNodeReady({ call }: ClusterActions): Promise<boolean> {
  const { status, body } = await call("GET", `/api/v1/nodes/${NODE_NAME}`);
  if (status !== 200) return false;
  const node = body as { readonly spec: { readonly taints?: readonly unknown[] }; readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] } };
  const isReady = node.status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") === true;
  return isReady && (node.spec.taints ?? []).length === 0;
}

/** Removes folders of labs whose process was killed: the kernel took their servers and mounts, but not their files. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(FOLDER_PREFIX) ? name.slice(FOLDER_PREFIX.length).split("-")[0] : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** First the namespaces, with all that runs on the node: then nothing makes processes or cgroups any more. */
async function stop({ folder, namespaces, servers }: Parts): Promise<void> {
  await namespaces.end();
  await Promise.all(servers.map(async (server) => server.kill()));
  await removeCgroup(namespaces.addresses.cgroup);
  await rm(folder, { recursive: true, force: true });
}
