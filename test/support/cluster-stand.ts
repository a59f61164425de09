import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Clock } from "../../common/clock.ts";
import { parseConfig } from "../../common/config.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { silentLog } from "../../common/log.ts";
import { encodePreamble, type Endpoint, type Transport } from "../../common/preamble.ts";
import type { AuditRecord } from "../../proxy/model/record.ts";
import { proxyConfig, startProxy, type RunningProxy } from "../../proxy/main.ts";
import { aDnsQuery, readAddress } from "./plain-dns.ts";
import type { TestAuthority } from "./tls-authority.ts";
import { connectionsOf, eventually } from "./whole-proxy.ts";

/** Who dials: what a sidecar would show, and the address that it dials from. */
export interface Caller {
  readonly token: string;
  readonly container?: string;
  /** Of 127.0.0.0/8, all of which is this machine; not 127.0.0.1, from where the test asks the admin port. */
  readonly address: string;
}

export interface ClusterStandOptions {
  readonly api: KubeApi;
  readonly authority: TestAuthority;
  readonly routes: readonly { readonly name: string; readonly port: number; readonly dialPort: number }[];
  /** Of the configuration's section `cluster`. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Kept from an earlier stand. */
  readonly directory?: string;
  readonly clock?: Clock;
}

/** What the stand's controller was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A whole node proxy in this process beside a cluster's API and a controller, and sidecars of pods that dial it on loopback addresses. */
export class ClusterStand {
  readonly directory: string;
  readonly records: AuditRecord[] = [];
  readonly asked: Asked[] = [];
  readonly proxy: RunningProxy;
  readonly controllerPort: number;
  /** What the controller answers to everything. */
  readonly controller: { status: number };
  readonly #server: Server;

  private constructor(parts: Pick<ClusterStand, "directory" | "proxy" | "records" | "asked" | "controller"> & { readonly server: Server }) {
    this.directory = parts.directory;
    this.proxy = parts.proxy;
    this.#server = parts.server;
    this.records = parts.records;
    this.asked = parts.asked;
    this.controller = parts.controller;
    this.controllerPort = (parts.server.address() as AddressInfo).port;
  }

  static async start({ api, authority, routes, cluster = {}, config = {}, ...options }: ClusterStandOptions): Promise<ClusterStand> {
    const directory = options.directory ?? mkdtempSync(join(tmpdir(), "weir-cluster-"));
    const asked: Asked[] = [];
    const controller = { status: 200 };
    const server = await startController(authority, asked, controller);
    const [caFile, tokenFile] = [join(directory, "ca.pem"), join(directory, "controller-token")];
    writeFileSync(caFile, authority.caPem);
    writeFileSync(tokenFile, "the.proxys.token\n");
    const records: AuditRecord[] = [];
    const parsed = parseConfig(proxyConfig, "test", JSON.stringify({
      listen: { address: "127.0.0.1:0" }, admin: { address: "127.0.0.1:0" }, drainTimeoutMs: 500,
      cluster: { nodeName: "n1", namespace: "weir-system", controller: { tokenFile, caFile }, activityIntervalMs: 100, podWaitMs: 1_000, ...cluster },
      upstream: { routes: routes.map((route) => ({ ...route, address: "127.0.0.1" })), extraCaFiles: [caFile] },
      // This stand's controller keeps no ledger.
      budgets: { ledger: { type: "memory" } }, ...config,
    }));
    const proxy = await startProxy(parsed, {
      log: silentLog, environment: {}, kubeApi: api, stateDirectory: join(directory, "state"), issuerDirectory: join(directory, "issuer"),
      onRecord: (record) => { records.push(record); },
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    });
    return new ClusterStand({ directory, proxy, server, records, asked, controller });
  }

  /** For `platform` of a boundary. */
  get platform(): { readonly address: string; readonly port: number } {
    return { address: "127.0.0.1", port: this.controllerPort };
  }

  async readyz(): Promise<number> {
    return (await fetch(`${this.proxy.adminUrl}/readyz`)).status;
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.proxy.adminUrl}/metrics`)).text();
  }

  /** A tagged connection to where the agent dialled. */
  async dial({ token, container, address }: Caller, destination: Endpoint, transport: Transport = "tcp"): Promise<Socket> {
    const { host, port } = this.proxy.listening.address ?? { host: "", port: 0 };
    const socket = connect({ host, port, localAddress: address, allowHalfOpen: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    const source = { address: "10.255.0.2", port: 40_000 };
    socket.write(encodePreamble({ transport, source, destination, token, connectionId: "c1", ...(container === undefined ? {} : { container }) }));
    return socket;
  }

  /** The synthetic address of a name. @throws Error if the proxy ends the connection instead */
  async resolve(caller: Caller, name: string): Promise<string> {
    const socket = await this.dial(caller, { address: "10.255.0.1", port: 53 }, "dns");
    socket.write(aDnsQuery(name));
    const closed = once(socket, "close").then(() => { throw new Error("the proxy closed the connection"); });
    const [answer] = await Promise.race([once(socket, "data"), closed]) as [Buffer];
    socket.destroy();
    return readAddress(answer);
  }

  async open(caller: Caller, name: string): Promise<TLSSocket> {
    const dialled = await this.dial(caller, { address: await this.resolve(caller, name), port: 443 });
    const socket = connectTls({ socket: dialled, servername: name, ca: this.proxy.caPem, ALPNProtocols: ["http/1.1"] });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    return socket;
  }

  /** One HTTPS request on a connection of its own. */
  async ask(caller: Caller, method: string, url: string, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly body: string }> {
    const { hostname, pathname, search } = new URL(url);
    const socket = await this.open(caller, hostname);
    const sent = request({ createConnection: () => socket, method, path: pathname + search, headers: { host: hostname, ...headers } });
    sent.end();
    const [answer] = await once(sent, "response") as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    socket.destroy();
    return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
  }

  /** Why the proxy let nobody in with this: code and detail of the connection's record. */
  async refusal(caller: Caller): Promise<string> {
    const before = this.records.length;
    const socket = await this.dial(caller, { address: "10.255.0.1", port: 443 });
    await ended(socket);
    const find = () => connectionsOf(this.records.slice(before)).find(({ error }) => error !== null)?.error;
    await eventually("the refusal is recorded", () => find() !== undefined);
    return `${find()?.code ?? ""}: ${find()?.detail ?? ""}`;
  }

  async stop(keepFiles = false): Promise<void> {
    await this.proxy.stop();
    this.#server.closeAllConnections();
    this.#server.close();
    if (!keepFiles) rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Resolves when the other side has ended the connection, in whatever way. */
export async function ended(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("close", () => { resolve(); }).once("end", () => { resolve(); });
  socket.resume();
  if (!socket.destroyed) await promise;
  socket.destroy();
}

async function startController(authority: TestAuthority, asked: Asked[], controller: { readonly status: number }): Promise<Server> {
  const { certPem, keyPem } = await authority.leaf(["weir.internal"]);
  const server = createServer({ cert: certPem, key: keyPem }, (incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => { chunks.push(chunk); });
    incoming.on("end", () => {
      asked.push({ method: incoming.method ?? "", path: incoming.url ?? "", headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      answer.writeHead(controller.status, { "content-type": "application/json" }).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
