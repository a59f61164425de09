import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { Agent, type buildConnector, fetch as undiciFetch } from "undici";
import { aDnsQuery, readAddress } from "../plain-dns.ts";
import type { Stand } from "../running-proxy.ts";

/** `fetch` of an agent: every connection goes through its boundary, by the name behind the synthetic address. */
export interface AgentFetch {
  readonly fetch: typeof fetch;
  close(): Promise<void>;
}

/** @param instance `i1` is the usual one; each has connections of its own */
export function agentFetch(stand: Stand, instance = "i1"): AgentFetch {
  const open = async (name: string, port: number): Promise<Socket> => {
    const dns = await stand.dialAs(instance, { address: "10.255.0.1", port: 53 }, "dns");
    dns.write(aDnsQuery(name));
    const [answer] = await once(dns, "data") as [Buffer];
    dns.destroy();
    const socket = connectTls({ socket: await stand.dialAs(instance, { address: readAddress(answer), port }), servername: name, ca: stand.proxy.caPem, ALPNProtocols: ["http/1.1"] });
    await once(socket, "secureConnect");
    return socket;
  };
  const dispatcher = new Agent({ connect: ({ hostname, port }, callback) => { void hand(open(hostname, Number(port === "" ? 443 : port)), callback); } });
  const through: typeof fetch = async (url, init) => undiciFetch(url, { ...init, dispatcher });
  return { fetch: through, close: async () => dispatcher.destroy() };
}

async function hand(opening: Promise<Socket>, to: buildConnector.Callback): Promise<void> {
  const [opened] = await Promise.allSettled([opening]);
  if (opened.status === "fulfilled") to(null, opened.value);
  else to(opened.reason as Error, null);
}
