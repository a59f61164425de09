import type { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { SecureContext } from "node:tls";
import type { Dispatcher } from "undici";
import type { Clock } from "../../common/clock.ts";
import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import { destinationHost, type Destination } from "../model/connection.ts";
import type { Network } from "../model/network.ts";
import type { OutboundHead } from "../model/request.ts";
import { openAddressGuard } from "./address-guard.ts";
import type { UpstreamConfig } from "./config.ts";
import { withDeadline } from "./deadline.ts";
import { dialTcp, openTls } from "./dial.ts";
import { serverEndPoint } from "./end-point.ts";
import { ExchangeHandler } from "./exchange-handler.ts";
import { Locator } from "./locator.ts";
import { OriginPools, type Origin, type OriginPool } from "./origin-pools.ts";
import { NameResolver } from "./resolver.ts";
import { systemNameServers } from "./system-resolvers.ts";
import { openTrust, trustOnly, type Trust } from "./trust.ts";
import type { SecureTunnel, Tunnel, Upstream, UpstreamFlow, UpstreamRequest, UpstreamSink } from "./upstream.ts";

/** Where a name leads that the platform itself answers for. */
export interface Pin {
  readonly address: string;
  readonly port: number;
  readonly caPem: string;
}

/**
 * The real destinations, through undici: HTTP/1.1 without pipelining, and HTTP/2 for gRPC (which needs its trailers). No redirects, no
 * caches, no TLS sessions; a connection serves one instance and one origin.
 */
export class UndiciUpstream implements Upstream {
  readonly #connectTimeoutMs: number;
  readonly #locator: Locator;
  readonly #trust: Trust;
  /** By name and port; what is not in here is trusted as everything else. */
  readonly #pinnedTrust = new Map<string, Trust>();
  readonly #pools: OriginPools;

  /** @throws UserError if a file of `extraCaFiles` cannot be used */
  constructor(config: UpstreamConfig, clock: Clock) {
    const guard = openAddressGuard({ allowAddresses: config.allowAddresses, clusterCidrs: config.clusterCidrs, ownAddresses: interfaceAddresses });
    const resolver = new NameResolver({
      servers: config.resolvers.length > 0 ? config.resolvers : systemNameServers(),
      timeoutMs: config.resolveTimeoutMs, tries: config.resolveTries, staleMs: config.staleAnswerMs, clock,
    });
    this.#connectTimeoutMs = config.connectTimeoutMs;
    this.#locator = new Locator(config.routes, resolver, guard);
    this.#trust = openTrust(config.extraCaFiles);
    this.#pools = new OriginPools(config, async (instance, origin, signal) => this.#connect(instance, origin, signal));
  }

  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamFlow {
    let pool: OriginPool | null = null;
    const handler = new ExchangeHandler(request, sink, () => pool?.leave());
    // After this call has returned, so that the sink never speaks before its owner holds the flow.
    queueMicrotask(() => {
      if (handler.isOver) return;
      try {
        const entered = this.#enter(request);
        pool = entered;
        const options = dispatchOptions(request);
        handler.start(() => { entered.dispatch(options, handler); });
      } catch (error) {
        handler.fail(EgressError.from(error));
      }
    });
    return handler;
  }

  async openTunnel(instance: string, destination: Destination, signal: AbortSignal, at?: string): Promise<Tunnel> {
    const stream = await withDeadline(this.#connectTimeoutMs, signal, async (bounded) => {
      const candidates = await this.#locator.candidates(instance, destinationHost(destination), destination.port, bounded);
      const same = candidates.filter(({ address }) => address === at);
      return dialTcp(same.length > 0 ? same : candidates, bounded);
    });
    return { stream, remoteAddress: stream.remoteAddress ?? "" };
  }

  async secureTunnel({ stream, remoteAddress }: Tunnel, destination: Destination, alpn: string, signal: AbortSignal): Promise<SecureTunnel> {
    const host = destinationHost(destination);
    const target = { host, alpn: [alpn], mayChooseNone: true, context: this.#trustFor(host, destination.port).context };
    const secure = await withDeadline(this.#connectTimeoutMs, signal, async (bounded) => openTls(stream, target, bounded));
    const certificate = secure.getPeerX509Certificate();
    return { stream: secure, remoteAddress, endPoint: certificate === undefined ? null : serverEndPoint(certificate) };
  }

  /** The same way for the boundary's own requests, which are no instance's. */
  get network(): Network {
    return {
      trust: this.#trust.context,
      dial: async (host, port, signal) => withDeadline(this.#connectTimeoutMs, signal, async (bounded) => this.#dial("", host, port, bounded)),
    };
  }

  /**
   * Sends a name to one address, past DNS and the address class check, and trusts one CA alone there. @param to null: it leads nowhere
   * @throws Error if there is no CA in the text
   */
  pin(name: string, port: number, to: Pin | null): void {
    const key = `${name} ${port}`;
    if (to === null) this.#pinnedTrust.delete(key);
    else this.#pinnedTrust.set(key, trustOnly(to.caPem));
    this.#locator.pin(name, port, to === null ? null : { address: to.address, port: to.port });
  }

  async closeInstance(instance: string): Promise<void> {
    await this.#pools.closeInstance(instance);
  }

  /** Ends everything, for the end of the program. */
  async close(): Promise<void> {
    this.#locator.close();
    await this.#pools.close();
  }

  #enter(request: UpstreamRequest): OriginPool {
    const { head: { scheme, host, port }, clientCertificate } = request;
    if (clientCertificate !== null && scheme !== "https") throw new EgressError("credential.misdirected", "a client certificate and plain http");
    const pool = this.#pools.take(request.instance, { scheme, host, port, protocol: isGrpc(request.head) ? "h2" : "http/1.1", clientCertificate });
    if (!pool.enter()) throw new EgressError("upstream.unreachable", "too many concurrent requests to this origin");
    return pool;
  }

  async #connect(instance: string, origin: Origin, signal: AbortSignal): Promise<Socket> {
    return withDeadline(this.#connectTimeoutMs, signal, async (bounded) => {
      const socket = await this.#dial(instance, origin.host, origin.port, bounded);
      return origin.scheme === "http" ? socket : openTls(socket, { host: origin.host, alpn: [origin.protocol], context: this.#contextFor(origin) }, bounded);
    });
  }

  #contextFor({ host, port, clientCertificate }: Origin): SecureContext {
    const trust = this.#trustFor(host, port);
    return clientCertificate === null ? trust.context : trust.showing(clientCertificate);
  }

  #trustFor(host: string, port: number): Trust {
    return this.#pinnedTrust.get(`${host} ${port}`) ?? this.#trust;
  }

  async #dial(instance: string, host: string, port: number, signal: AbortSignal): Promise<Socket> {
    return dialTcp(await this.#locator.candidates(instance, host, port, signal), signal);
  }
}

/** gRPC is the one protocol that HTTP/1.1 cannot carry to a destination (trailers, two-way streaming). */
function isGrpc(head: OutboundHead): boolean {
  return head.scheme === "https" && head.headers.some(([name, value]) => name === "content-type" && typeof value === "string" && value.startsWith("application/grpc"));
}

/** Here and in `wireHeaders` a lent credential becomes text: what is made goes to the wire and nowhere else. */
function dispatchOptions(request: UpstreamRequest): Dispatcher.DispatchOptions {
  const { head, body } = request;
  const path = typeof head.target === "string" ? head.target : head.target.reveal();
  return { method: head.method, path, headers: wireHeaders(head), body, upgrade: head.upgrade };
}

function wireHeaders(head: OutboundHead): string[] {
  const wire: string[] = [];
  for (const [name, value] of head.headers) wire.push(name, value instanceof Secret ? value.reveal() : value);
  if (head.framing.kind === "length") wire.push("content-length", String(head.framing.bytes));
  // Every client of gRPC sends it; a second one would end the stream.
  if (isGrpc(head) && !head.headers.some(([name]) => name === "te")) wire.push("te", "trailers");
  return wire;
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []).map(({ address }) => address);
}
