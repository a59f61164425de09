import type { Duplex, Readable } from "node:stream";
import type { EgressError } from "../errors.ts";
import type { Destination } from "../model/connection.ts";
import type { ClientCertificate } from "../model/loan.ts";
import type { HeaderList, OutboundHead } from "../model/request.ts";

/**
 * Sends one request to the real destination. Resolves the name itself, checks the address class, dials exactly the address it checked,
 * verifies TLS (resumed sessions too), never follows a redirect, never caches. Pools belong to one instance and one origin.
 */
export interface Upstream {
  /** Starts at once. Calls the sink in the order head → data* → end, or failure at any point; nothing after end or failure. */
  send(request: UpstreamRequest, sink: UpstreamSink): UpstreamFlow;
  /**
   * Opens a raw TCP connection for a tunnel; the caller owns and ends it. For a `name` destination the name is resolved and checked here.
   * @param at the address of an earlier tunnel, to reach the same one of several; of no effect if the name no longer leads there
   * @throws EgressError `upstream.* | destination.forbidden`
   */
  openTunnel(instance: string, destination: Destination, signal: AbortSignal, at?: string): Promise<Tunnel>;
  /**
   * Opens TLS on a tunnel that has asked its destination for it, verified as for requests; the tunnel's stream is not to be used any more.
   * @param alpn offered; a destination that chooses none is taken to speak it (servers older than ALPN)
   * @throws EgressError `upstream.untrusted | upstream.unreachable | upstream.timeout`
   */
  secureTunnel(tunnel: Tunnel, destination: Destination, alpn: string, signal: AbortSignal): Promise<SecureTunnel>;
  /** Closes the pools of an instance that has ended. */
  closeInstance(instance: string): Promise<void>;
}

export interface UpstreamRequest {
  readonly instance: string;
  readonly head: OutboundHead;
  /** Null when the framing is `none`. Consumed exactly once; destroyed on failure. */
  readonly body: Readable | null;
  /** Shown to the destination if it asks; a connection that showed one carries only requests with the same. */
  readonly clientCertificate: ClientCertificate | null;
  /** Ends the exchange with its reason, which is an `EgressError`; the sink is told. */
  readonly signal: AbortSignal;
}

/**
 * Fields come in order, names lower case, values as latin1 text; those about the connection are gone (`connection` and what it lists,
 * `transfer-encoding`, `upgrade` …), `content-length` stays. Must not throw. Back-pressure: after `onData` returned false, no data comes until `flow.resume()`.
 */
export interface UpstreamSink {
  /** 1xx other than 101. */
  onInformational(status: number, headers: HeaderList): void;
  onHead(status: number, headers: HeaderList, remoteAddress: string): void;
  onData(chunk: Buffer): boolean;
  onEnd(trailers: HeaderList): void;
  /** 101 was received for a request with `upgrade`; its fields still have `upgrade` and `connection`. The stream is raw from here on, and the caller's. */
  onUpgrade(headers: HeaderList, stream: Duplex, remoteAddress: string): void;
  onFailure(error: EgressError): void;
}

export interface UpstreamFlow {
  /** True once it was sent a second time: the destination may have read the first, whatever became of the other. */
  readonly isResent: boolean;
  resume(): void;
  /** Ends the exchange and the connection it used; no sink call follows. */
  abort(reason: EgressError): void;
}

export interface Tunnel {
  readonly stream: Duplex;
  readonly remoteAddress: string;
}

export interface SecureTunnel extends Tunnel {
  /** Hash of the destination's certificate, for channel binding (`tls-server-end-point`); null if its kind has none. */
  readonly endPoint: Buffer | null;
}
