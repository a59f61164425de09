import { connect, type Socket } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { encodePreamble, type Endpoint, type Transport } from "../../common/preamble.ts";
import { parseConfig } from "../../common/config.ts";
import type { AgentIdentity } from "../../common/identity.ts";
import { silentLog } from "../../common/log.ts";
import type { AuditRecord } from "../../proxy/model/record.ts";
import { proxyConfig, startProxy, type RunningProxy } from "../../proxy/main.ts";
import type { FaultyDisk } from "./faulty-disk.ts";
import { aDnsQuery, readAddress } from "./plain-dns.ts";
import { mintAuthority, type TestAuthority } from "./tls-authority.ts";

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A whole proxy in this process, and an agent that speaks to it as a sidecar would. */
export interface Stand {
  readonly directory: string;
  readonly proxy: RunningProxy;
  readonly records: AuditRecord[];
  /** A tagged connection to where the agent dialled. */
  dial(destination: Endpoint, transport?: Transport): Promise<Socket>;
  /** Asks the proxy's DNS, as the agent's resolver does. */
  resolve(name: string): Promise<string>;
  /** TLS to a name, through its synthetic address. */
  open(name: string, alpn?: readonly string[], port?: number): Promise<TLSSocket>;
  /** One HTTPS request on a connection of its own. */
  ask(method: string, url: string, options?: { readonly headers?: Record<string, string>; readonly body?: Buffer | string }): Promise<Answered>;
  /** The same as another instance of the agent; `i1` is the usual one. */
  dialAs(instance: string, destination: Endpoint, transport?: Transport): Promise<Socket>;
  stop(keepFiles?: boolean): Promise<void>;
}

export interface StandOptions {
  /** Merged into the proxy's configuration. */
  readonly config?: Record<string, unknown>;
  readonly policyData: Record<string, unknown>;
  readonly routes?: readonly { readonly name: string; readonly port: number; readonly dialPort: number }[];
  readonly authority?: TestAuthority;
  /** A disk with faults under the audit log. */
  readonly disk?: FaultyDisk;
  /** The folder of a stand that was stopped with `stop(true)`: the same chain, CA and issuer. */
  readonly directory?: string;
}

const AGENT: AgentIdentity = { namespace: "test", name: "agent", thread: "t1", instance: "i1", user: "tester", labels: {}, chain: [] };
/** The longest proofs take an hour. */
const TOKEN_LIFETIME_MS = 7_200_000;

export async function startStand(options: StandOptions): Promise<Stand> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "weir-stand-"));
  const authority = options.authority ?? await mintAuthority();
  writeFileSync(join(directory, "ca.pem"), authority.caPem);
  const records: AuditRecord[] = [];
  const socketPath = join(directory, "proxy", "proxy.sock");
  const config = parseConfig(proxyConfig, "test", JSON.stringify({
    listen: { socketPath }, policy: { data: options.policyData }, audit: { directory: join(directory, "audit") },
    upstream: { routes: (options.routes ?? []).map((route) => ({ ...route, address: "127.0.0.1" })), extraCaFiles: [join(directory, "ca.pem")] }, ...options.config,
    // The embedded ledger takes seconds to make; tests that are about what outlives a proxy ask for it.
    budgets: { ledger: { type: "memory" }, ...(options.config?.["budgets"] as object | undefined) },
  }));
  const proxy = await startProxy(config, {
    log: silentLog, environment: {}, stateDirectory: join(directory, "state"), issuerDirectory: join(directory, "issuer"), onRecord: (record) => { records.push(record); },
    ...(options.disk === undefined ? {} : { openFile: options.disk.open }),
  });
  const tokens = new Map<string, string>();
  const tokenOf = async (instance: string) => {
    const token = tokens.get(instance) ?? await proxy.issuer.mint({ ...AGENT, instance }, TOKEN_LIFETIME_MS);
    tokens.set(instance, token);
    return token;
  };
  const dialAs = async (instance: string, destination: Endpoint, transport: Transport = "tcp") => {
    const token = await tokenOf(instance);
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    await once(socket, "connect");
    socket.write(encodePreamble({ transport, source: { address: "10.255.0.2", port: 40_000 }, destination, token, connectionId: "c1" }));
    return socket;
  };
  const dial = async (destination: Endpoint, transport?: Transport) => dialAs(AGENT.instance, destination, transport);
  const resolve = async (name: string) => {
    const socket = await dial({ address: "10.255.0.1", port: 53 }, "dns");
    socket.write(aDnsQuery(name));
    const [answer] = await once(socket, "data") as [Buffer];
    socket.destroy();
    return readAddress(answer);
  };
  const open = async (name: string, alpn: readonly string[] = ["http/1.1"], port = 443) => {
    const socket = connectTls({ socket: await dial({ address: await resolve(name), port }), servername: name, ca: proxy.caPem, ALPNProtocols: [...alpn] });
    await once(socket, "secureConnect");
    return socket;
  };
  const ask: Stand["ask"] = async (method, url, { headers = {}, body } = {}) => {
    const { hostname, pathname, search, port } = new URL(url);
    const socket = await open(hostname, ["http/1.1"], port === "" ? 443 : Number(port));
    const sent = request({ createConnection: () => socket, method, path: pathname + search, headers: { host: port === "" ? hostname : `${hostname}:${port}`, ...headers } });
    sent.end(body);
    const [answer] = await once(sent, "response") as [import("node:http").IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    socket.destroy();
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks).toString() };
  };
  const stop = async (keepFiles = false) => {
    await proxy.stop();
    if (!keepFiles) rmSync(directory, { recursive: true, force: true });
  };
  return { directory, proxy, records, dial, dialAs, resolve, open, ask, stop };
}
