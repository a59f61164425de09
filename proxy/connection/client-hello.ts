import { EgressError } from "../errors.ts";
import { isHostName } from "../model/host-name.ts";

/** What the boundary needs of a ClientHello (RFC 8446 §4.1.2). */
export interface ClientHello {
  /** Lower case, checked; null if the hello carries none. */
  readonly serverName: string | null;
  readonly alpn: readonly string[];
}

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const NAME_TYPE_HOST = 0;
/** A client offers two or three; policy input is not the place for a thousand. */
const ALPN_LIMIT = 64;

/**
 * Reads one whole ClientHello message, handshake header included. Stricter than a TLS stack: every length must fit exactly and no
 * extension may occur twice, so that nobody else can read another name in the same bytes.
 * @throws EgressError `tls.malformed`; `destination.mismatch` for a server name that is no single host name (RFC 6066 §3);
 * `protocol.unsupported` for an empty or oversized ALPN list
 */
export function parseClientHello(message: Buffer): ClientHello {
  const hello = new Cursor(message.subarray(4));
  if (hello.byte() !== 3) throw malformed("not version 3");
  hello.take(1 + 32);
  if (hello.vector(1).rest > 32) throw malformed("session id longer than 32 bytes");
  const suites = hello.vector(2).rest;
  if (suites === 0 || suites % 2 !== 0) throw malformed("cipher suites");
  if (hello.vector(1).rest === 0) throw malformed("no compression method");
  const extensions = hello.rest === 0 ? new Map<number, Cursor>() : readExtensions(hello.vector(2));
  hello.mustEnd("extensions");
  const names = extensions.get(EXTENSION_SERVER_NAME);
  const alpn = extensions.get(EXTENSION_ALPN);
  return { serverName: names === undefined ? null : readServerName(names), alpn: alpn === undefined ? [] : readAlpn(alpn) };
}

function readExtensions(list: Cursor): Map<number, Cursor> {
  const found = new Map<number, Cursor>();
  while (list.rest > 0) {
    const type = list.uint(2);
    if (found.has(type)) throw malformed(`extension ${type} twice`);
    found.set(type, list.vector(2));
  }
  return found;
}

function readServerName(extension: Cursor): string {
  if (extension.rest === 0) throw unusableName("empty");
  const list = extension.vector(2);
  extension.mustEnd("server name");
  if (list.rest === 0) throw unusableName("empty");
  if (list.byte() !== NAME_TYPE_HOST) throw unusableName("not of type host_name");
  const name = list.vector(2);
  if (list.rest > 0) throw unusableName("more than one");
  const text = name.take(name.rest).toString("latin1").toLowerCase();
  if (!isHostName(text)) throw unusableName("not a host name");
  return text;
}

function readAlpn(extension: Cursor): string[] {
  const list = extension.vector(2);
  extension.mustEnd("ALPN");
  const protocols: string[] = [];
  while (list.rest > 0) {
    const protocol = list.vector(1);
    if (protocol.rest === 0) throw malformed("empty ALPN name");
    if (protocols.length === ALPN_LIMIT) throw new EgressError("protocol.unsupported", `more than ${ALPN_LIMIT} ALPN names`);
    protocols.push(protocol.take(protocol.rest).toString("latin1"));
  }
  if (protocols.length === 0) throw new EgressError("protocol.unsupported", "empty ALPN list");
  return protocols;
}

/** Reads big-endian fields in order and never past the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get rest(): number {
    return this.#bytes.byteLength - this.#at;
  }

  take(count: number): Buffer {
    if (count > this.rest) throw malformed("a length passes the end of the message");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  uint(sizeBytes: number): number {
    return this.take(sizeBytes).readUIntBE(0, sizeBytes);
  }

  byte(): number {
    return this.uint(1);
  }

  /** A variable-length vector (RFC 8446 §3.4): its length in `sizeBytes`, then its content. */
  vector(sizeBytes: number): Cursor {
    return new Cursor(this.take(this.uint(sizeBytes)));
  }

  mustEnd(what: string): void {
    if (this.rest > 0) throw malformed(`bytes after the ${what}`);
  }
}

export function malformed(detail: string): EgressError {
  return new EgressError("tls.malformed", `ClientHello: ${detail}`);
}

function unusableName(detail: string): EgressError {
  return new EgressError("destination.mismatch", `server name: ${detail}`);
}
