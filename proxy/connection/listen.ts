import { lstatSync, mkdirSync, statSync, unlinkSync } from "node:fs";
import { connect, createServer, isIPv6, type ListenOptions, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { once } from "node:events";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Peer } from "../model/connection.ts";
import type { Arrival } from "./connection-entry.ts";

export interface ListenConfig {
  readonly socketPath?: string | undefined;
  /** `host:port`, IPv6 in brackets. */
  readonly address?: string | undefined;
}

/** What is open. `address` has the port that was chosen for port 0. */
export interface Listening {
  readonly socketPath: string | null;
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Takes no more connections and removes the socket file; open connections stay. */
  close(): Promise<void>;
}

/** `sun_path` has 108 bytes, one of them the final zero (unix(7)). */
const SOCKET_PATH_LIMIT_BYTES = 107;
const KEEP_ALIVE_MS = 60_000;
/** Connections above the limit that are still told so; the kernel's ones above these are dropped unread. */
const REFUSABLE = 64;

/**
 * Opens the listeners for sidecars: a Unix socket (mode 0600, in a folder that nobody else can write) and a TCP address, one or both.
 * @param onSocket is given each connection; must not throw
 * @throws UserError if neither is configured, or one cannot be opened (in use, not permitted, not an address)
 */
export async function listen(config: ListenConfig, maxConnections: number, onSocket: (arrival: Arrival) => void): Promise<Listening> {
  const servers: Server[] = [];
  const open = async (peerOf: (socket: Socket) => Peer | null, where: ListenOptions, name: string) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) => {
      const peer = peerOf(socket);
      if (peer === null) socket.destroy();
      else onSocket({ socket, peer });
    });
    server.maxConnections = maxConnections + REFUSABLE;
    await opened(server, where, name);
    servers.push(server);
    return server;
  };
  const { socketPath, address } = config;
  if (socketPath === undefined && address === undefined) throw new UserError("nowhere to listen", "Set listen.socketPath or listen.address.", EXIT.config);
  try {
    if (socketPath !== undefined) await openUnixSocket(socketPath, async () => open(() => ({ kind: "unix" }), { path: socketPath }, socketPath));
    const tcp = address === undefined ? null : await open(tcpPeer, parseAddress(address), address);
    return { socketPath: socketPath ?? null, address: tcp === null ? null : boundAddress(tcp), close: async () => closeAll(servers) };
  } catch (error) {
    await closeAll(servers);
    throw error;
  }
}

async function opened(server: Server, where: ListenOptions, name: string): Promise<void> {
  server.listen({ ...where, exclusive: true });
  try {
    await once(server, "listening");
  } catch (error) {
    throw cannotListen(name, error as NodeJS.ErrnoException);
  }
}

/** The mode is there from the first moment: `bind` obeys the umask, and Node binds before `listen` returns. */
async function openUnixSocket(path: string, open: () => Promise<unknown>): Promise<void> {
  if (Buffer.byteLength(path) > SOCKET_PATH_LIMIT_BYTES) {
    throw new UserError(`socket path of ${Buffer.byteLength(path)} bytes: ${path}`, `Choose one of at most ${SOCKET_PATH_LIMIT_BYTES} bytes.`, EXIT.config);
  }
  prepareFolder(dirname(path));
  await removeStaleSocket(path);
  const before = process.umask(0o177);
  const opening = open();
  process.umask(before);
  await opening;
}

function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode } = statSync(folder);
  const isSticky = (mode & 0o1000) !== 0;
  if ((mode & 0o022) !== 0 && !isSticky) throw new UserError(`others may write in ${folder}`, `Take that right away: chmod go-w ${folder}`, EXIT.config);
}

/** A socket file that nobody answers on is what an earlier run left behind; anything else there is not ours to remove. */
async function removeStaleSocket(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new UserError(`${path} exists and is no socket`, "Choose another listen.socketPath, or move that file away.", EXIT.config);
  const probe = connect({ path });
  try {
    await once(probe, "connect");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw cannotListen(path, error as NodeJS.ErrnoException);
    unlinkSync(path);
    return;
  } finally {
    probe.destroy();
  }
  throw cannotListen(path, Object.assign(new Error("in use"), { code: "EADDRINUSE" }));
}

function cannotListen(name: string, error: NodeJS.ErrnoException): UserError {
  const [reason, hint] = {
    EADDRINUSE: ["in use", "Another Weir may be running there; stop it or choose another place under `listen`."],
    EACCES: ["permission denied", "Choose a place that this user may open; ports below 1024 need a privilege."],
    EADDRNOTAVAIL: ["not an address of this machine", "Set listen.address to an address that this machine has."],
  }[error.code ?? ""] ?? [error.message, "Check `listen` in the configuration."];
  return new UserError(`cannot listen on ${name}: ${reason}`, hint ?? "", EXIT.config, { cause: error });
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw new UserError(`not an address to listen on: ${text}`, "Write host:port, an IPv6 host in brackets.", EXIT.config);
  return { host, port };
}

/** Null for a peer that has gone already: without an address it must not pass for a peer of another kind. */
function tcpPeer(socket: Socket): Peer | null {
  const address = socket.remoteAddress;
  if (address === undefined) return null;
  return { kind: "tcp", address: isIPv6(address) && address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address };
}

function boundAddress(server: Server): { host: string; port: number } {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("a TCP server has an address");
  return { host: bound.address, port: bound.port };
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(async (server) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => { resolve(); });
    // `close` calls back only when the last connection is gone; those belong to the drain, not to the listener.
    if (!server.listening) resolve();
    await promise;
  }));
}
