import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { encodePreamble, type Endpoint, type Transport } from "../../../common/preamble.ts";
import { aDnsQuery, readAddress } from "../../support/plain-dns.ts";
import type { Stand } from "../../support/running-proxy.ts";
import type { Planned } from "./plan.ts";

const AT_ONCE = 12;

/** Sends every planned request as its agent, several at once, each on a connection of its own. */
export async function sendAll(stand: Stand, planned: readonly Planned[]): Promise<void> {
  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (name: string) => {
    const token = tokens.get(name) ?? stand.proxy.issuer.mint({ namespace: "test", name, thread: `t-${name}`, instance: `i-${name}`, user: "tester", labels: { team: "proof" }, chain: [] }, 3_600_000);
    tokens.set(name, token);
    return token;
  };
  const left = planned.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const one of left) await send(stand, one, await tokenOf(one.agent));
  }));
}

/** A refusal at any stage is an answer too. */
async function send(stand: Stand, { host, method, path, headers, body }: Planned, token: string): Promise<void> {
  const address = await resolve(stand, host, token).catch(() => null);
  if (address === null) return;
  const socket = connectTls({ socket: await dial(stand, { address, port: 443 }, token), servername: host, ca: stand.proxy.caPem, ALPNProtocols: ["http/1.1"] });
  try {
    await once(socket, "secureConnect");
    const sent = request({ createConnection: () => socket, method, path, headers: { ...headers, host, ...(body === null ? {} : { "content-length": String(Buffer.byteLength(body)) }) } });
    sent.end(body ?? undefined);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    answer.resume();
    await once(answer, "end");
  } catch {
    // The connection was refused: its record says why.
  } finally {
    socket.destroy();
  }
}

async function dial(stand: Stand, destination: Endpoint, token: string, transport: Transport = "tcp") {
  const socket = connect({ path: join(stand.directory, "proxy", "proxy.sock"), allowHalfOpen: true });
  await once(socket, "connect");
  socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination, token, connectionId: "c1" }));
  return socket;
}

/** @throws Error for a name that does not resolve */
async function resolve(stand: Stand, name: string, token: string): Promise<string> {
  const socket = await dial(stand, { address: "10.255.0.1", port: 53 }, token, "dns");
  socket.write(aDnsQuery(name));
  const [answer] = await once(socket, "data") as [Buffer];
  socket.destroy();
  return readAddress(answer);
}
