import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { PemPair } from "./tls-authority.ts";

const START_DEADLINE_MS = 20_000;
const POLL_MS = 50;

/** A real OpenBao in development mode: in memory, unsealed, with KV version 2 at `secret/`. */
export interface OpenBaoServer {
  readonly address: string;
  readonly rootToken: string;
  /** One request of the HTTP API with the root token. @throws Error with the status if the answer is not 2xx */
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

/** A second door of the server, for others than this machine's programs. */
export interface OpenBaoListener {
  /** `address:port` */
  readonly address: string;
  readonly certificate: PemPair;
}

/** @param bao path of the binary */
export async function startOpenBao(bao: string, listener?: OpenBaoListener): Promise<OpenBaoServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "weir-openbao-"));
  const address = `http://127.0.0.1:${port}`;
  const rootToken = "root-of-the-test";
  // The kernel kills it when this process is gone, however that went.
  const server = spawn("setpriv", ["--pdeathsig", "KILL", bao, "server", "-dev", `-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`, "-dev-no-store-token", ...await configOf(folder, listener)],
    { stdio: "ignore", env: { HOME: "/nonexistent", PATH: "/usr/bin:/bin" } });
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${address}/v1/${path}`, {
      method, headers: { "x-vault-token": rootToken, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text) as Record<string, unknown>;
  };
  const close = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  await ready(server, call).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { address, rootToken, call, close };
}

/** Flags that add the listener to those of the development mode. */
async function configOf(folder: string, listener: OpenBaoListener | undefined): Promise<string[]> {
  if (listener === undefined) return [];
  const path = (name: string) => join(folder, name);
  await writeFile(path("tls.crt"), listener.certificate.certPem);
  await writeFile(path("tls.key"), listener.certificate.keyPem, { mode: 0o600 });
  await writeFile(path("config.json"), JSON.stringify({ listener: [{ tcp: { address: listener.address, tls_cert_file: path("tls.crt"), tls_key_file: path("tls.key") } }] }));
  return [`-config=${path("config.json")}`];
}

async function ready(server: ChildProcess, call: OpenBaoServer["call"]): Promise<void> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  for (;;) {
    const isUp = await call("GET", "sys/mounts/secret").then(() => true, () => false);
    if (isUp) return;
    if (server.exitCode !== null) throw new Error(`bao ended with ${server.exitCode}`);
    if (deadline.aborted) throw new Error(`bao was not ready after ${START_DEADLINE_MS} ms`);
    await pause(POLL_MS);
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
