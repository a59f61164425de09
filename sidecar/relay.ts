/**
 * in: redirected socket · out: tagged connection to the node proxy, then bytes both ways · ends early with: RST to the agent · next: proxy/connection/accept.ts
 *
 * Knows no policy and reads nothing of what flows. The preamble goes out at once, before the agent has sent a byte: protocols in which
 * the server speaks first must work.
 */
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { encodePreamble, type Endpoint } from "../common/preamble.ts";
import { Flow } from "./flow.ts";
import { originalDestination } from "./original-destination.ts";
import { isProbe } from "./ready.ts";
import type { TroubleReport } from "./report.ts";
import type { ProxyAddress } from "./settings.ts";
import { withReadBuffer } from "./socket-internals.ts";
import type { SystemCalls } from "./system-calls.ts";
import type { TokenFile } from "./token.ts";

/** The proxy is on the same node: what is not connected by then never will be. In milliseconds. */
const CONNECT_DEADLINE_MS = 5_000;
/** Finds peers that vanished without a word; nothing else ends an idle connection here. In milliseconds. */
const KEEP_ALIVE_MS = 60_000;

export interface RelayContext {
  readonly proxy: ProxyAddress;
  readonly token: TokenFile;
  readonly calls: SystemCalls;
  readonly trouble: TroubleReport;
  nextConnectionId(): string;
}

/** One connection of the agent and its tagged twin. */
export interface Relayed {
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<void>;
  /** Ends both at once. */
  reset(): void;
}

/**
 * @param accepted from a server with `pauseOnConnect` and `allowHalfOpen`; closed on every path
 * @param container whom the rules turn to the port that it came to; null for the agent
 * @returns null if it was refused
 */
export function relayConnection(accepted: Socket, container: string | null, context: RelayContext): Relayed | null {
  try {
    return openRelay(accepted, container, context);
  } catch (error) {
    context.trouble.note("connection.refused", (error as Error).message);
    reset(accepted);
    return null;
  }
}

function openRelay(accepted: Socket, container: string | null, context: RelayContext): Relayed {
  const destination = originalDestination(accepted, context.calls);
  if (destination === null) throw new Error("no original destination");
  if (isProbe(destination)) throw new Error("nobody lives at the address of the rules' own check");
  refuseLoop(destination, accepted);
  const preamble = encodePreamble({
    transport: "tcp",
    source: { address: accepted.remoteAddress ?? "", port: accepted.remotePort ?? 0 },
    destination,
    token: context.token.read(),
    connectionId: context.nextConnectionId(),
    container,
  });
  const up = new Flow();
  const down = new Flow();
  const agent = withReadBuffer(accepted, up.onread);
  const proxy = dialProxy(context.proxy, { onread: down.onread });
  proxy.write(preamble);
  up.join(agent, proxy);
  down.join(proxy, agent);
  // What the agent sends waits in the kernel until there is somewhere to put it.
  proxy.once("connect", () => { agent.resume(); });
  for (const socket of [agent, proxy]) keepAlive(socket);
  return watch(agent, proxy, context.trouble);
}

/**
 * A connection that was not redirected but made to this very port, or to any port of the loopback, would come back here for ever.
 * The rules leave the loopback alone, so that only an agent that asks for it gets here.
 */
function refuseLoop(destination: Endpoint, accepted: Socket): void {
  const isLoopback = destination.address.startsWith("127.") || destination.address === "::1";
  const isThisSocket = destination.port === accepted.localPort && destination.address === accepted.localAddress;
  if (isLoopback || isThisSocket) throw new Error("the destination is this sidecar or the loopback");
}

/** Opens a tagged connection; the caller writes the preamble first. */
export function dialProxy(proxy: ProxyAddress, options: { readonly onread?: NetConnectOpts["onread"] } = {}): Socket {
  const socket = connect({ ...proxy, ...options, allowHalfOpen: true, noDelay: true } as NetConnectOpts);
  socket.setTimeout(CONNECT_DEADLINE_MS, () => { if (socket.connecting) socket.destroy(new Error("the proxy does not answer")); });
  socket.once("connect", () => { socket.setTimeout(0); });
  return socket;
}

/** An end of one without FIN is an end of the other without FIN: a truncated answer must not look like a whole one. */
function watch(agent: Socket, proxy: Socket, trouble: TroubleReport): Relayed {
  const { promise, resolve } = Promise.withResolvers<void>();
  let open = 2;
  const end = (socket: Socket, other: Socket) => {
    socket.on("error", (error) => {
      if (socket === proxy && !proxy.readable) trouble.note("proxy.connection-failed", error.message);
      reset(other);
    });
    socket.on("close", () => {
      if (!socket.readableEnded) reset(other);
      if ((open -= 1) === 0) resolve();
    });
  };
  end(agent, proxy);
  end(proxy, agent);
  return { closed: promise, reset: () => { reset(agent); reset(proxy); } };
}

/** RST where there is such a thing; a Unix socket, or one that is not connected yet, is just closed. */
function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.remoteFamily === undefined || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function keepAlive(socket: Socket): void {
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
}
