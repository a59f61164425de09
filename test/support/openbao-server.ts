import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

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

/** @param bao path of the binary */
export async function startOpenBao(bao: string): Promise<OpenBaoServer> {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const rootToken = "root-of-the-test";
  const server = spawn(bao, ["server", "-dev", `-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`, "-dev-no-store-token"],
    { stdio: "ignore", env: { HOME: "/nonexistent", PATH: "/usr/bin:/bin" } });
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${address}/v1/${path}`, {
      method, headers: { "x-vault-token": rootToken, "content-type": "application/json" }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text) as Record<string, unknown>;
  };
  await ready(server, call);
  return { address, rootToken, call, close: async () => end(server) };
}

async function ready(server: ChildProcess, call: OpenBaoServer["call"]): Promise<void> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  for (;;) {
    const isUp = await call("GET", "sys/mounts/secret").then(() => true, () => false);
    if (isUp) return;
    if (server.exitCode !== null) throw new Error(`bao ended with ${server.exitCode}`);
    if (deadline.aborted) {
      await end(server);
      throw new Error(`bao was not ready after ${START_DEADLINE_MS} ms`);
    }
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
