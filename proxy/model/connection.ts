import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import type { Endpoint, Transport } from "../../common/preamble.ts";
import type { Secret } from "../../common/secret.ts";
import type { VerifiedAgent } from "./agent.ts";
import type { Allow, Handling } from "./decision.ts";

/** Where a tagged connection came from: a Unix socket of this machine, or the address of a pod. */
export type Peer = { readonly kind: "unix" } | { readonly kind: "tcp"; readonly address: string };

export interface Accepted {
  readonly id: string;
  readonly socket: Socket;
  readonly peer: Peer;
  readonly acceptedAtMs: number;
  /** Aborts when the connection must end: drain, revoked permission, expired identity. Its reason is an `EgressError`. */
  readonly signal: AbortSignal;
}

export interface Identified extends Accepted {
  readonly agent: VerifiedAgent;
  /** The token that was verified. */
  readonly token: Secret;
  readonly transport: Transport;
  /** What the agent dialled, as the rules saw it. */
  readonly dialled: Endpoint;
}

/** What the first bytes are. `serverName` is the SNI, lower case, checked as a host name; null if the hello carries none. */
export type WireKind =
  | { readonly kind: "tls"; readonly serverName: string | null; readonly alpn: readonly string[] }
  | { readonly kind: "http" }
  | { readonly kind: "postgres" }
  | { readonly kind: "opaque" };

/** ALPN name of PostgreSQL, for clients that open TLS without asking first (`sslnegotiation=direct`). */
export const POSTGRES_ALPN = "postgresql";

/** The one destination of a connection: the name behind the synthetic address, or the literal address that the agent dialled. */
export type Destination =
  | { readonly kind: "name"; readonly name: string; readonly port: number }
  | { readonly kind: "address"; readonly address: string; readonly port: number };

/** The first bytes were looked at and put back. */
export interface Heard extends Identified {
  readonly wire: WireKind;
}

export interface Classified extends Heard {
  readonly destination: Destination;
}

export interface Screened extends Classified {
  readonly handling: Handling;
  readonly decision: Allow;
}

/** What a client of a database says when it begins. Claimed by the agent; the boundary logs in under another name. */
export interface SqlStartup {
  readonly user: string;
  readonly database: string;
  /** Empty if it names none. */
  readonly applicationName: string;
  /** Settings for the server's command line, as sent; empty if there are none. */
  readonly options: string;
}

/** A session of a database whose first words are read. */
export interface Introduced extends Screened {
  /** Clear bytes of the agent. */
  readonly stream: Duplex;
  readonly sql: SqlStartup;
}

export type Alpn = "h2" | "http/1.1";

export interface Opened extends Screened {
  /** Clear bytes of the agent: its own socket for plain HTTP, the inner side of TLS otherwise. */
  readonly stream: Duplex;
  readonly alpn: Alpn;
  readonly scheme: "https" | "http";
}

/** The text that policy, records and answers use for a destination: a name, or an address literal. */
export function destinationHost(destination: Destination): string {
  return destination.kind === "name" ? destination.name : destination.address;
}

const DNS_PORT = 53;

/** True for DNS by UDP (tagged by the sidecar) and by TCP (RFC 7766): both are answered here, whatever server was dialled. */
export function isDns({ transport, dialled }: Identified): boolean {
  return transport === "dns" || dialled.port === DNS_PORT;
}
