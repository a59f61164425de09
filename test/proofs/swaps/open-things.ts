import type { Duplex } from "node:stream";
import type { Stand } from "../../support/running-proxy.ts";
import { eventually, Received } from "../../support/whole-proxy.ts";
import { FLEETING_DATABASE, FLEETING_HOST, HOST } from "./bundles.ts";

export const TUNNEL_PORT = 7_000;

/** Something that stays open as long as policy lets it. */
export interface OpenThing {
  readonly what: string;
  readonly received: Received;
  /** Ends it from the agent's side. */
  close(): void;
}

const named = (what: string, socket: Duplex, received: Received): OpenThing => ({ what, received, close: () => { socket.destroy(); } });

/** An answer that streams on and on. */
export async function openStream(stand: Stand, host: string): Promise<OpenThing> {
  const socket = await stand.open(host);
  const received = new Received(socket);
  socket.write(`GET /sse?events=1000000&everyMs=100 HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await eventually("the stream flows", () => received.text.includes("data:"));
  return named("a stream", socket, received);
}

/** One of each kind that depends on the fleeting permission: a stream, a WebSocket, a tunnel, an idle connection. */
export async function openFleeting(stand: Stand): Promise<readonly OpenThing[]> {
  return [await openStream(stand, FLEETING_HOST), await openWebSocket(stand), await openTunnel(stand), await openIdle(stand)];
}

/** A stream of the host that is always allowed: it has to live through every swap. */
export async function openLasting(stand: Stand): Promise<OpenThing> {
  return openStream(stand, HOST);
}

async function openWebSocket(stand: Stand): Promise<OpenThing> {
  const socket = await stand.open(FLEETING_HOST);
  const received = new Received(socket);
  socket.write(`GET /socket HTTP/1.1\r\nHost: ${FLEETING_HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  await eventually("the WebSocket is open", () => received.text.includes(" 101 "));
  return named("a WebSocket", socket, received);
}

async function openTunnel(stand: Stand): Promise<OpenThing> {
  const socket = await stand.dial({ address: await stand.resolve(FLEETING_DATABASE), port: TUNNEL_PORT });
  const received = new Received(socket);
  socket.write("\0hello");
  await eventually("the tunnel carries", () => received.text === "\0hello");
  return named("a tunnel", socket, received);
}

async function openIdle(stand: Stand): Promise<OpenThing> {
  const socket = await stand.open(FLEETING_HOST);
  return named("an idle connection", socket, new Received(socket));
}
