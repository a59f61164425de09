import { join } from "node:path";
import { stringify } from "yaml";
import type { LabAddresses } from "./addresses.ts";

export const PAUSE_IMAGE = "lab.local/pause:1";
export const NODE_NAME = "lab-node";
/** The network interface of the node to which all pods are connected. */
export const BRIDGE = "pods0";

/**
 * containerd with all its state in the lab's folder. Without CAP_SYS_RESOURCE, which test machines lack, a container cannot lower its OOM score:
 * `restrict_oom_score_adj` makes it not try.
 */
export function containerdConfig(folder: string): string {
  return `version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
[grpc]
  address = "${containerdSocket(folder)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

export function containerdSocket(folder: string): string {
  return join(folder, "containerd.sock");
}

/** One bridge for all pods. It does not enforce NetworkPolicies; network-policies.ts does. */
export function cniConfig(folder: string, addresses: LabAddresses): string {
  return JSON.stringify({
    cniVersion: "0.4.0", name: "lab", plugins: [
      {
        type: "bridge", bridge: BRIDGE, isGateway: true, ipMasq: true, hairpinMode: true,
        ipam: { type: "host-local", dataDir: `${folder}/addresses`, ranges: [[{ subnet: addresses.pods }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  });
}

/** @param path of a file of the cluster, by name */
export function kubeletConfig(folder: string, addresses: LabAddresses, path: (name: string) => string): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1", kind: "KubeletConfiguration",
    // Machines of the tests may have cgroup version 1 only.
    failCgroupV1: false, cgroupDriver: "cgroupfs", cgroupRoot: `/${addresses.cgroup}`,
    containerRuntimeEndpoint: `unix://${containerdSocket(folder)}`,
    failSwapOn: false, oomScoreAdj: 0, maxOpenFiles: 20_000,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: path("ca.crt") } },
    authorization: { mode: "Webhook" },
    tlsCertFile: path("kubelet-server.crt"), tlsPrivateKeyFile: path("kubelet-server.key"),
    address: addresses.node, healthzPort: 0,
    resolvConf: join(folder, "resolv.conf"), clusterDomain: "cluster.local",
    podLogsDir: join(folder, "pod-logs"), volumePluginDir: join(folder, "volume-plugins"),
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%" },
    // No image can be pulled again.
    imageGCHighThresholdPercent: 100,
    registryPullQPS: 0, eventRecordQPS: 0, kubeAPIQPS: 100, kubeAPIBurst: 200, maxPods: 200,
    // What a pod's status waits for, beside its containers: the default minute makes tests slow.
    syncFrequency: "10s", shutdownGracePeriod: "0s",
  });
}
