/**
 * The preamble of a tagged connection: PROXY protocol v2 (haproxy.org/download/2.9/doc/proxy-protocol.txt §2.2) with two custom TLVs,
 * nothing before it and nothing after it but the bytes of the agent. Written by the sidecar, read by the node proxy.
 */

/** 12 bytes that no HTTP, TLS or SSH client sends first (§2.2). */
const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const VERSION_AND_PROXY_COMMAND = 0x21;
/** Fixed part: signature, version, family, 16-bit length. */
export const PREAMBLE_HEAD_BYTES = 16;
/** Largest preamble accepted, whole. */
export const PREAMBLE_LIMIT_BYTES = 9 * 1024;

const TLV_CRC32C = 0x03;
const TLV_TOKEN = 0xe0;
const TLV_CONNECTION_ID = 0xe1;

/** `tcp`: the bytes of one TCP connection follow. `dns`: DNS messages follow, each behind its 16-bit length (RFC 7766 §8). */
export type Transport = "tcp" | "dns";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Preamble {
  readonly transport: Transport;
  readonly source: Endpoint;
  /** Where the agent wanted to go, before the rules redirected it. */
  readonly destination: Endpoint;
  readonly token: string;
  /** Set by the sidecar, for finding one connection in both logs; no more than 64 bytes. */
  readonly connectionId: string;
}

/** A preamble that breaks a rule; the message says which. */
export class PreambleError extends Error {
  override readonly name = "PreambleError";
}
