import { Pool, type Client, type Dispatcher } from "undici";
import { EgressError } from "../errors.ts";
import type { ClientCertificate } from "../model/loan.ts";
import { OriginClient, type Connect } from "./origin-client.ts";

/** Where a pool leads. `h2` is chosen by the request (gRPC), never by what the destination offers. */
export interface Origin {
  readonly scheme: "https" | "http";
  readonly host: string;
  readonly port: number;
  readonly protocol: "http/1.1" | "h2";
  /** Shown when TLS is opened; null for almost all. */
  readonly clientCertificate: ClientCertificate | null;
}

export interface PoolLimits {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxHeadBytes: number;
  readonly maxConnectionsPerOrigin: number;
  readonly maxPools: number;
}

/** Opens one connection to an origin for an instance; the signal aborts when the pool ends. */
export type OpenConnection = (instance: string, origin: Origin, signal: AbortSignal) => ReturnType<Connect>;

/** The kept connections of one instance to one origin. */
export class OriginPool {
  readonly #pool: Pool;
  readonly #ended = new AbortController();
  readonly #limit: number;
  #inFlight = 0;

  constructor(instance: string, origin: Origin, limits: PoolLimits, open: OpenConnection) {
    this.#limit = limits.maxConnectionsPerOrigin;
    const connect: Connect = async (seat) => {
      const socket = await open(instance, origin, this.#ended.signal);
      seat.remoteAddress = socket.remoteAddress ?? "";
      seat.served = 0;
      return socket;
    };
    this.#pool = new Pool(originUrl(origin), {
      ...clientOptions(origin, limits),
      connections: origin.protocol === "h2" ? 1 : limits.maxConnectionsPerOrigin,
      factory: (url, options) => new OriginClient(url, options, connect),
    });
  }

  get isIdle(): boolean {
    return this.#inFlight === 0;
  }

  /** False: as many exchanges as allowed are open; nothing waits in a queue without a limit. Otherwise call `leave` when it has ended. */
  enter(): boolean {
    if (this.#inFlight >= this.#limit) return false;
    this.#inFlight += 1;
    return true;
  }

  leave(): void {
    this.#inFlight -= 1;
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(options, handler);
  }

  /** Ends every exchange and connection. */
  async destroy(reason: EgressError): Promise<void> {
    this.#ended.abort(reason);
    await this.#pool.destroy(reason);
  }
}

/** All pools, by instance and then by origin: nothing of one instance is ever used by another. */
export class OriginPools {
  readonly #limits: PoolLimits;
  readonly #open: OpenConnection;
  readonly #byInstance = new Map<string, Map<string, OriginPool>>();
  #count = 0;

  constructor(limits: PoolLimits, open: OpenConnection) {
    this.#limits = limits;
    this.#open = open;
  }

  get size(): number {
    return this.#count;
  }

  /** @throws EgressError `upstream.unreachable` if there are too many pools and none is idle, `upstream.unresolved` for what is no host */
  take(instance: string, origin: Origin): OriginPool {
    const place = `${origin.protocol} ${origin.scheme}://${origin.host}:${origin.port}`;
    const key = origin.clientCertificate === null ? place : `${place} ${origin.clientCertificate.fingerprint}`;
    let pools = this.#byInstance.get(instance);
    const known = pools?.get(key);
    if (known !== undefined) return known;
    if (this.#count >= this.#limits.maxPools && !this.#evictIdle()) throw new EgressError("upstream.unreachable", "too many open origins");
    const pool = new OriginPool(instance, origin, this.#limits, this.#open);
    if (origin.clientCertificate !== null) this.#endIdle(instance, `${place} `);
    pools = this.#byInstance.get(instance);
    if (pools === undefined) this.#byInstance.set(instance, pools = new Map());
    pools.set(key, pool);
    this.#count += 1;
    return pool;
  }

  async closeInstance(instance: string): Promise<void> {
    const pools = this.#byInstance.get(instance);
    if (pools === undefined) return;
    this.#byInstance.delete(instance);
    this.#count -= pools.size;
    const reason = new EgressError("upstream.aborted", "the instance has ended");
    await Promise.all([...pools.values()].map(async (pool) => pool.destroy(reason)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byInstance.keys()].map(async (instance) => this.closeInstance(instance)));
  }

  /** Ends what shows a client certificate that another has followed. */
  #endIdle(instance: string, keyPrefix: string): void {
    for (const [key, pool] of this.#byInstance.get(instance) ?? []) {
      if (key.startsWith(keyPrefix) && pool.isIdle) this.#end(instance, key, pool);
    }
  }

  /** Ends the pool that was opened first of those that nobody uses. */
  #evictIdle(): boolean {
    for (const [instance, pools] of this.#byInstance) {
      for (const [key, pool] of pools) {
        if (!pool.isIdle) continue;
        this.#end(instance, key, pool);
        return true;
      }
    }
    return false;
  }

  #end(instance: string, key: string, pool: OriginPool): void {
    const pools = this.#byInstance.get(instance);
    pools?.delete(key);
    if (pools?.size === 0) this.#byInstance.delete(instance);
    this.#count -= 1;
    void pool.destroy(new EgressError("upstream.aborted", "the pool was idle"));
  }
}

function clientOptions(origin: Origin, limits: PoolLimits): Client.Options {
  return {
    allowH2: origin.protocol === "h2",
    pipelining: 1,
    headersTimeout: limits.headersTimeoutMs,
    bodyTimeout: limits.bodyTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    keepAliveMaxTimeout: limits.idleTimeoutMs,
    maxHeaderSize: limits.maxHeadBytes,
    strictContentLength: true,
  };
}

/** @throws EgressError `upstream.unresolved` if a URL parser would read the host as another one */
function originUrl({ scheme, host, port }: Origin): URL {
  const literal = host.includes(":") ? `[${host}]` : host;
  const url = URL.parse(`${scheme}://${literal}:${port}`);
  if (url === null || url.hostname !== literal || url.pathname !== "/") throw new EgressError("upstream.unresolved", "not a host name");
  return url;
}
