import type { Secret } from "../../common/secret.ts";

/** Header fields in order; names lower case; values as received (visible ASCII, space and tab only). */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** How the body's length is known before it is read. */
export type BodyFraming = { readonly kind: "none" } | { readonly kind: "length"; readonly bytes: number } | { readonly kind: "chunked" };

/** A request's head as the protocol handler read it: nothing checked yet. */
export interface RawHead {
  readonly httpVersion: "1.0" | "1.1" | "2";
  readonly method: string;
  /** Request target as sent (`/path?query`, absolute form, `*`), or `:path`. */
  readonly target: string;
  /** `:authority` and `:scheme` of HTTP/2; null on HTTP/1. */
  readonly authority: string | null;
  readonly scheme: string | null;
  /** Name, value, name, value … exactly as received, pseudo-headers left out. */
  readonly rawHeaders: readonly string[];
}

/** A request's head, canonical: what policy sees, what is audited and what is sent are this one thing (proxy/exchange/read-head.ts). */
export interface RequestHead {
  readonly httpVersion: "1.0" | "1.1" | "2";
  readonly method: string;
  readonly scheme: "https" | "http";
  /** Lower case, no port, no trailing dot; equals the connection's destination. */
  readonly host: string;
  readonly port: number;
  /** Normalised once; no dot segments, no ambiguous escapes. Starts with `/`, or is `*` for OPTIONS. */
  readonly path: string;
  readonly segments: readonly string[];
  /** Without the question mark; null if there was none. */
  readonly query: string | null;
  /** Hop-by-hop fields, `Connection`-listed fields and forwarding fields are gone; `host`, `content-length` and `transfer-encoding` too (they are framing). */
  readonly headers: HeaderList;
  readonly framing: BodyFraming;
  readonly expectsContinue: boolean;
  readonly upgrade: "websocket" | null;
}

/** What is sent upstream, credentials in. Its header values are not strings, so that neither log nor audit accepts it. */
export interface OutboundHead {
  readonly method: string;
  readonly scheme: "https" | "http";
  readonly host: string;
  readonly port: number;
  /** Path and query; a Secret once a credential is in it. */
  readonly target: string | Secret;
  readonly headers: readonly (readonly [name: string, value: string | Secret])[];
  readonly framing: BodyFraming;
  readonly upgrade: "websocket" | null;
}
