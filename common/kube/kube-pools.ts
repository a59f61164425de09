import { createHash } from "node:crypto";
import { Pool, type Dispatcher } from "undici";
import { VERSION } from "../version.ts";
import type { KubeAccess, KubeCredentials } from "./kube-access.ts";
import type { Impersonation } from "./kube-connection.ts";

/** Connections for calls; more calls than that wait for one. Streams hold a connection each and are not counted. */
const CALL_CONNECTIONS = 16;
const CONNECT_TIMEOUT_MS = 10_000;
/** Probes start after this much silence, so that a peer that is gone is noticed within half a minute, also by an idle watch. */
const TCP_KEEP_ALIVE_MS = 10_000;
/** Below the three minutes after which the API server closes idle connections. */
const IDLE_MS = 60_000;

type Purpose = "calls" | "streams";

export interface Ready {
  readonly pool: Dispatcher;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

interface PoolPair {
  /** Of the TLS material that the connections were opened with. */
  readonly mark: string;
  readonly calls: Pool;
  readonly streams: Pool;
}

/** Connections that carry the credentials of now: when CA or client certificate become others, new connections are opened and the old ones drain. */
export class CredentialedPools {
  /** Path in front of every request's. */
  readonly prefix: string;
  readonly #access: KubeAccess;
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string | string[]>>;
  readonly #draining = new Set<Pool>();
  #pair: PoolPair | undefined;
  #isClosed = false;

  constructor(access: KubeAccess, impersonate: Impersonation | undefined) {
    const url = new URL(access.server);
    this.#access = access;
    this.#origin = url.origin;
    this.prefix = url.pathname.replace(/\/+$/, "");
    this.#headers = {
      // The second is what its public keys come as (RFC 7517 §8.5.2), and nothing else.
      accept: "application/json, application/jwk-set+json",
      "user-agent": `weir/${VERSION}`,
      ...(impersonate === undefined ? {} : { "impersonate-user": impersonate.user, "impersonate-group": [...impersonate.groups ?? []] }),
    };
  }

  async current(purpose: Purpose): Promise<Ready> {
    const credentials = await this.#access.credentials();
    if (this.#isClosed) throw new Error("closed");
    const mark = markOf(credentials);
    if (this.#pair?.mark !== mark) this.#replace(mark, credentials);
    const pool = this.#pair?.[purpose];
    if (pool === undefined) throw new Error("closed");
    const { authorization } = credentials;
    return { pool, headers: authorization === undefined ? this.#headers : { ...this.#headers, authorization: authorization.reveal() } };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const pools = [...this.#draining, ...(this.#pair === undefined ? [] : [this.#pair.calls, this.#pair.streams])];
    await Promise.all(pools.map(async (pool) => { await pool.destroy(); }));
  }

  #replace(mark: string, credentials: KubeCredentials): void {
    if (this.#pair !== undefined) for (const old of [this.#pair.calls, this.#pair.streams]) this.#drain(old);
    this.#pair = { mark, calls: this.#open(credentials, CALL_CONNECTIONS), streams: this.#open(credentials, null) };
  }

  /** Watches end by themselves within minutes. */
  #drain(pool: Pool): void {
    this.#draining.add(pool);
    pool.close(() => { this.#draining.delete(pool); });
  }

  #open(credentials: KubeCredentials, connections: number | null): Pool {
    const { serverName } = this.#access;
    return new Pool(this.#origin, {
      connections, pipelining: 1, allowH2: false, keepAliveTimeout: IDLE_MS, headersTimeout: 0, bodyTimeout: 0,
      connect: {
        rejectUnauthorized: true, timeout: CONNECT_TIMEOUT_MS, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
        ...(credentials.caPem === undefined ? {} : { ca: credentials.caPem }),
        ...(credentials.certPem === undefined ? {} : { cert: credentials.certPem }),
        ...(credentials.keyPem === undefined ? {} : { key: credentials.keyPem.reveal() }),
        ...(serverName === undefined ? {} : { servername: serverName }),
      },
    });
  }
}

function markOf({ caPem, certPem, keyPem }: KubeCredentials): string {
  return createHash("sha256").update(JSON.stringify([caPem, certPem, keyPem?.reveal()])).digest("base64");
}
