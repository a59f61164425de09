import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { bytesToAddress } from "../common/address-bytes.ts";
import type { Endpoint } from "../common/preamble.ts";
import { fileDescriptor } from "./socket-internals.ts";
import type { SystemCalls } from "./system-calls.ts";

/** linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h: both options have the number 80, at the level of their protocol. */
const ORIGINAL_DESTINATION = 80;
const LEVEL = { IPv4: 0, IPv6: 41 } as const;
/** struct sockaddr_in and sockaddr_in6: family, port in network order, then the address (after the flow label in IPv6). */
const LAYOUT = { IPv4: { sizeBytes: 16, from: 4, to: 8 }, IPv6: { sizeBytes: 28, from: 8, to: 24 } } as const;

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SOCK_STREAM = 1;

/**
 * Where the agent wanted to go before the rules turned its connection here.
 * @returns null if the kernel does not know: the connection was not redirected, or has gone already
 */
export function originalDestination(socket: Socket, calls: SystemCalls): Endpoint | null {
  const family = socket.localFamily === "IPv6" ? "IPv6" : "IPv4";
  const { sizeBytes, from, to } = LAYOUT[family];
  const address = calls.getSocketOption(fileDescriptor(socket), LEVEL[family], ORIGINAL_DESTINATION, sizeBytes);
  if (address === null || address.byteLength !== sizeBytes) return null;
  return { address: bytesToAddress(address.subarray(from, to)), port: address.readUInt16BE(2) };
}

/**
 * Proves on a connection of its own that the file descriptor and the foreign call are what this file takes them for: both are
 * outside of Node's promises. @throws Error if not; the sidecar must not start then
 */
export async function testOriginalDestination(calls: SystemCalls): Promise<void> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect(port, "127.0.0.1");
  try {
    const [accepted] = await once(server, "connection") as [Socket];
    const type = calls.getSocketOption(fileDescriptor(accepted), SOL_SOCKET, SO_TYPE, 4);
    const destination = originalDestination(accepted, calls);
    accepted.destroy();
    if (type === null || !type.equals(Buffer.from(new Uint32Array([SOCK_STREAM]).buffer))) throw new Error("getsockopt does not work on an accepted socket");
    // Without any NAT rule in the namespace the kernel says null; with one it must say the truth.
    if (destination !== null && (destination.address !== "127.0.0.1" || destination.port !== port)) throw new Error("the original destination of a connection is read wrongly");
  } finally {
    client.destroy();
    server.close();
  }
}
