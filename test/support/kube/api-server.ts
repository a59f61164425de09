import { join } from "node:path";
import { readyz } from "./cluster-connection.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { freePort, startServer, type ServerProcess } from "./server-process.ts";

const START_DEADLINE_MS = 60_000;
const SERVICE_RANGE = "10.79.96.0/24";

/** An etcd with one member on loopback ports, which may lose its data when the machine crashes. */
export async function startEtcd(program: string, folder: string): Promise<{ readonly url: string; readonly process: ServerProcess }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const server = startServer(program, [
    `--data-dir=${join(folder, "etcd")}`, `--listen-client-urls=${url}`, `--advertise-client-urls=${url}`, `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=default=${peerUrl}`, "--unsafe-no-fsync", "--logger=zap", "--log-level=warn",
  ], join(folder, "etcd.log"));
  await server.ready(async () => (await fetch(`${url}/health`)).ok, START_DEADLINE_MS);
  return { url, process: server };
}

export interface ApiServerSettings {
  readonly program: string;
  readonly files: ClusterFiles;
  readonly etcdUrl: string;
  readonly extraArgs: readonly string[];
}

/** kube-apiserver with RBAC and node authorization, NodeRestriction, the admission plug-ins that are on by default, and service account tokens. */
export async function startApiServer({ program, files, etcdUrl, extraArgs }: ApiServerSettings): Promise<ServerProcess> {
  const server = startServer(program, [
    `--etcd-servers=${etcdUrl}`, "--bind-address=127.0.0.1", `--secure-port=${files.port}`, "--endpoint-reconciler-type=none", `--service-cluster-ip-range=${SERVICE_RANGE}`,
    `--tls-cert-file=${files.path("apiserver.crt")}`, `--tls-private-key-file=${files.path("apiserver.key")}`, `--client-ca-file=${files.path("ca.crt")}`,
    `--service-account-issuer=${files.issuer}`, `--api-audiences=${files.issuer}`, `--service-account-key-file=${files.path("tokens.pub")}`,
    `--service-account-signing-key-file=${files.path("tokens.key")}`, "--service-account-extend-token-expiration=false",
    "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true", "--profiling=false", ...extraArgs,
  ], files.path("apiserver.log"));
  await server.ready(async () => readyz(files.admin), START_DEADLINE_MS);
  return server;
}
