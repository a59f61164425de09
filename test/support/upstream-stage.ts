import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type RequestListener, type Server as HttpServer } from "node:http";
import { createServer as createHttps } from "node:https";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls, type TLSSocket, type TlsOptions } from "node:tls";
import { systemClock, type Clock } from "../../common/clock.ts";
import { upstreamConfig, type UpstreamConfig } from "../../proxy/upstream/config.ts";
import { UndiciUpstream } from "../../proxy/upstream/undici-upstream.ts";
import { mintAuthority, type LeafOptions, type TestAuthority } from "./tls-authority.ts";
import { listen } from "./upstream-sink.ts";

/** The name that stand-in destinations have unless a test says otherwise. */
export const HOST = "api.example.test";

type Route = UpstreamConfig["routes"][number];

/** Stand-in destinations on loopback, one authority for them all, and upstreams that reach them by routes. Ends all that it opened. */
export class UpstreamStage implements AsyncDisposable {
  readonly authority: TestAuthority;
  readonly caFile: string;
  readonly routes: Route[] = [];
  readonly #folder: string;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(authority: TestAuthority) {
    this.authority = authority;
    this.#folder = mkdtempSync(join(tmpdir(), "weir-stage-"));
    this.caFile = join(this.#folder, "root.pem");
    writeFileSync(this.caFile, authority.caPem);
  }

  static async open(): Promise<UpstreamStage> {
    return new UpstreamStage(await mintAuthority("Stand-in root"));
  }

  /** A real HTTPS destination. @param names what its certificate is for */
  async https(listener: RequestListener, names: readonly string[] = [HOST], leaf: LeafOptions = {}): Promise<HttpServer> {
    const identity = await this.authority.leaf(names, leaf);
    const server = createHttps({ cert: identity.certPem, key: identity.keyPem }, listener);
    await this.serve(server, names);
    return server;
  }

  async http(listener: RequestListener, names: readonly string[] = [HOST]): Promise<HttpServer> {
    const server = createPlain(listener);
    await this.serve(server, names, 80);
    return server;
  }

  /** A destination that says raw bytes after TLS. */
  async tls(onSocket: (socket: TLSSocket) => void, options: TlsOptions = {}, names: readonly string[] = [HOST]): Promise<Server> {
    const identity = await this.authority.leaf(names);
    const server = createTls({ cert: identity.certPem, key: identity.keyPem, ...options }, (socket) => {
      socket.on("error", () => { /* a destroyed connection is what many tests want */ });
      onSocket(socket);
    });
    await this.serve(server, names);
    return server;
  }

  /** Answers every request with these bytes, whatever it says. @returns how many connections were opened and closed */
  async saying(bytes: string | Buffer): Promise<{ readonly server: Server; opened: number; readonly closed: Promise<void> }> {
    const closed = Promise.withResolvers<void>();
    const state = { opened: 0, closed: closed.promise };
    const server = await this.tls((socket) => {
      state.opened += 1;
      socket.on("close", () => { closed.resolve(); });
      socket.once("data", () => { socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes); });
    });
    return Object.assign(state, { server });
  }

  /** Listens, and routes the names to it. */
  async serve(server: Server, names: readonly string[], port = 443): Promise<number> {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    const dialPort = await listen(server);
    this.routes.push(...names.map((name) => ({ name, port, address: "127.0.0.1", dialPort })));
    this.onClose(async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    });
    return dialPort;
  }

  upstream(over: Partial<UpstreamConfig> = {}, clock: Clock = systemClock): UndiciUpstream {
    const config = upstreamConfig.parse({ extraCaFiles: [this.caFile], routes: this.routes, ...over });
    const upstream = new UndiciUpstream(config, clock);
    this.onClose(async () => upstream.close());
    return upstream;
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
