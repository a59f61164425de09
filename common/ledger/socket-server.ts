import { once } from "node:events";
import { chmodSync, unlinkSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Log } from "../log.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { answerLedgerCall, OWNER_RIGHTS } from "./store-server.ts";
import { CALL_LIMIT_BYTES, LEDGER_PATH } from "./wire.ts";

/** Longest path of a Unix socket (sun_path, with its end), in bytes. */
export const SOCKET_PATH_LIMIT_BYTES = 107;
const CALL_TIMEOUT_MS = 10_000;
const HEAD_LIMIT_BYTES = 8 * 1_024;
const CONNECTIONS = 256;

/**
 * Serves a store to the other processes of its owner, on a Unix socket of mode 0600. The caller holds the lock that says that nobody else does.
 * @throws Error if the socket cannot be opened
 */
export async function serveOnSocket(store: LedgerStore, path: string, log: Log): Promise<{ close(): Promise<void> }> {
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT_BYTES) throw new Error(`the path ${path} is longer than ${SOCKET_PATH_LIMIT_BYTES} bytes`);
  removeOldSocket(path);
  const server = createServer({ requestTimeout: CALL_TIMEOUT_MS, maxHeaderSize: HEAD_LIMIT_BYTES }, (request, response) => {
    const { socket } = request;
    answer(request, response, { store, log }).catch(() => { socket.destroy(); });
  });
  server.maxConnections = CONNECTIONS;
  // Node binds before `listen` returns, and the mode of what is bound obeys the umask: nobody can come in between.
  const before = process.umask(0o177);
  server.listen({ path });
  process.umask(before);
  await once(server, "listening");
  chmodSync(path, 0o600);
  return { close: async () => close(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, { store, log }: { readonly store: LedgerStore; readonly log: Log }): Promise<void> {
  const path = request.url ?? "";
  const body = await readBody(request);
  const isCall = request.method === "POST" && path.startsWith(LEDGER_PATH);
  const reply = isCall ? await answerLedgerCall(store, { call: path.slice(LEDGER_PATH.length), body }, OWNER_RIGHTS, log) : { status: 404, body: "{}" };
  response.writeHead(reply.status, { "content-type": "application/json" }).end(reply.body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > CALL_LIMIT_BYTES) throw new Error(`a call of more than ${CALL_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function removeOldSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
