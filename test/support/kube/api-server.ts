import { join } from "node:path";
import { readyz } from "./cluster-connection.ts";
import type { ClusterFiles } from "./cluster-files.ts";
import { freePort } from "../free-port.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const START_DEADLINE_MS = 180_000;

/** An etcd with one member on loopback ports, which may lose its data when the machine crashes. @param within see `startServer` */
export async function startEtcd(program: string, folder: string, within: readonly string[] = []): Promise<{ readonly url: string; readonly process: ServerProcess }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const server = startServer(program, [
    `--data-dir=${join(folder, "etcd")}`, `--listen-client-urls=${url}`, `--advertise-client-urls=${url}`, `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`, `--initial-cluster=default=${peerUrl}`, "--unsafe-no-fsync", "--logger=zap", "--log-level=warn",
  ], join(folder, "etcd.log"), within);
  // Seen from this machine's own loopback only; the API server waits for it anyway.
  if (within.length === 0) await server.ready(async () => (await fetch(`${url}/health`)).ok, START_DEADLINE_MS);
  return { url, process: server };
}

export interface ApiServerSettings {
  readonly program: string;
  readonly files: ClusterFiles;
  readonly etcdUrl: string;
  /** Range of the services' addresses. */
  readonly services: string;
  readonly extraArgs: readonly string[];
  readonly within?: readonly string[];
}

/** kube-apiserver with RBAC and node authorization, NodeRestriction, the admission plug-ins that are on by default, and service account tokens. */
export async function startApiServer({ program, files, etcdUrl, services, extraArgs, within }: ApiServerSettings): Promise<ServerProcess> {
  const server = startServer(program, [
    `--etcd-servers=${etcdUrl}`, `--bind-address=${files.address}`, `--secure-port=${files.port}`, `--service-cluster-ip-range=${services}`,
    `--tls-cert-file=${files.path("apiserver.crt")}`, `--tls-private-key-file=${files.path("apiserver.key")}`, `--client-ca-file=${files.path("ca.crt")}`,
    `--service-account-issuer=${files.issuer}`, `--api-audiences=${files.issuer}`, `--service-account-key-file=${files.path("tokens.pub")}`,
    `--service-account-signing-key-file=${files.path("tokens.key")}`, "--service-account-extend-token-expiration=false",
    "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true", "--profiling=false", ...extraArgs,
  ], files.path("apiserver.log"), within);
  await server.ready(async () => readyz(files.admin), START_DEADLINE_MS);
  return server;
}
