import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import type { PemPair } from "./tls-authority.ts";

const START_DEADLINE_MS = 60_000;
const POLL_MS = 50;

/** One request of the HTTP API with a token. @throws Error with the status if the answer is not 2xx */
export type OpenBaoCall = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

/** A real OpenBao, unsealed. */
export interface OpenBaoServer {
  readonly address: string;
  readonly rootToken: string;
  /** With the root token. */
  readonly call: OpenBaoCall;
  close(): Promise<void>;
}

/** An OpenBao whose data is on disk: it can be sealed, killed and started again, and is then what it was. */
export interface StoredOpenBao extends OpenBaoServer {
  seal(): Promise<void>;
  unseal(): Promise<void>;
  /** As `kill -9` does. */
  kill(): Promise<void>;
  /** Starts it again at the same address, sealed. */
  start(): Promise<void>;
}

/** A second door of the server, for others than this machine's programs. */
export interface OpenBaoListener {
  /** `address:port` */
  readonly address: string;
  readonly certificate: PemPair;
}

/** In memory, with KV version 2 at `secret/`. @param bao path of the binary */
export async function startOpenBao(bao: string, listener?: OpenBaoListener): Promise<OpenBaoServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "weir-openbao-"));
  const address = `http://127.0.0.1:${port}`;
  const rootToken = "root-of-the-test";
  const server = run(bao, ["-dev", `-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`, "-dev-no-store-token", ...await configOf(folder, listener)]);
  const call = callerOf(address, rootToken);
  const close = async () => {
    await end(server);
    await rm(folder, { recursive: true, force: true });
  };
  await ready(server, async () => call("GET", "sys/mounts/secret")).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { address, rootToken, call, close };
}

/** With its data in a folder of its own, and KV version 2 at `secret/`. @param bao path of the binary */
export async function startStoredOpenBao(bao: string): Promise<StoredOpenBao> {
  const folder = await mkdtemp(join(tmpdir(), "weir-openbao-"));
  const address = `http://127.0.0.1:${await freePort()}`;
  await mkdir(join(folder, "data"));
  await writeFile(join(folder, "config.json"), JSON.stringify({
    storage: { raft: { path: join(folder, "data"), node_id: "one" } }, api_addr: address, cluster_addr: `http://127.0.0.1:${await freePort()}`,
    listener: [{ tcp: { address: new URL(address).host, tls_disable: true } }],
  }));
  let server: ChildProcess | null = null;
  const open = callerOf(address, "");
  const kill = async () => { if (server !== null) await end(server); };
  const start = async () => {
    server = run(bao, [`-config=${join(folder, "config.json")}`]);
    await ready(server, async () => open("GET", "sys/seal-status"));
  };
  await start();
  const made = await open("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 }) as { readonly keys: readonly string[]; readonly root_token: string };
  const call = callerOf(address, made.root_token);
  const unseal = async () => {
    await open("PUT", "sys/unseal", { key: made.keys[0] });
    // Alone in its cluster, it becomes the leader a moment later.
    if (server !== null) await ready(server, async () => call("GET", "sys/leader").then(({ is_self: isSelf }) => { if (isSelf !== true) throw new Error("no leader"); }));
  };
  await unseal();
  await call("POST", "sys/mounts/secret", { type: "kv", options: { version: "2" } });
  await ready(server!, async () => call("POST", "secret/data/first", { data: { value: "x" } }));
  return {
    address, rootToken: made.root_token, call, unseal, kill, start,
    seal: async () => { await call("PUT", "sys/seal"); },
    close: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A caller of the API with this token; with none if it is empty. */
export function callerOf(address: string, token: string): OpenBaoCall {
  return async (method, path, body) => {
    const response = await fetch(`${address}/v1/${path}`, {
      method, headers: { ...token === "" ? {} : { "x-vault-token": token }, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text) as Record<string, unknown>;
  };
}

/** The kernel kills it when this process is gone, however that went. */
function run(bao: string, flags: readonly string[]): ChildProcess {
  return spawn("setpriv", ["--pdeathsig", "KILL", bao, "server", ...flags], { stdio: "ignore", env: { HOME: "/nonexistent", PATH: "/usr/bin:/bin" } });
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

async function ready(server: ChildProcess, isReady: () => Promise<unknown>): Promise<void> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  for (;;) {
    const isUp = await isReady().then(() => true, () => false);
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
