import { addressToBytes, bytesToAddress, isIPv4Mapped } from "./address-bytes.ts";
import { crc32c } from "./crc32c.ts";

/**
 * The preamble of a tagged connection: PROXY protocol v2 (haproxy.org/download/2.9/doc/proxy-protocol.txt §2.2) with custom TLVs (the
 * identity token, the connection id and, for a container with an identity of its own, the container), nothing before it and nothing after it but the
 * bytes of the agent. Written by the sidecar, read by the node proxy.
 */

/** 12 bytes that no HTTP, TLS or SSH client sends first (§2.2). */
const SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const VERSION_AND_PROXY_COMMAND = 0x21;
/** Fixed part: signature, version, family, 16-bit length. */
export const PREAMBLE_HEAD_BYTES = 16;
/** Largest preamble accepted, whole. */
export const PREAMBLE_LIMIT_BYTES = 9 * 1024;
/** Largest identity token accepted, in bytes. Kubernetes projected tokens are about 1 KB. */
export const TOKEN_LIMIT_BYTES = 8 * 1024;
const CONNECTION_ID_LIMIT_BYTES = 64;

/** Family byte (§2.2): high half AF_INET or AF_INET6, low half STREAM (a TCP connection) or DGRAM (here: DNS messages). */
const FAMILIES = new Map<number, { readonly transport: Transport; readonly addressBytes: 4 | 16 }>([
  [0x11, { transport: "tcp", addressBytes: 4 }],
  [0x21, { transport: "tcp", addressBytes: 16 }],
  [0x12, { transport: "dns", addressBytes: 4 }],
  [0x22, { transport: "dns", addressBytes: 16 }],
]);

const TLV_HEAD_BYTES = 3;
const TLV_CRC32C = 0x03;
const TLV_TOKEN = 0xe0;
const TLV_CONNECTION_ID = 0xe1;
const TLV_CONTAINER = 0xe2;
const KNOWN_TLVS = new Set([TLV_CRC32C, TLV_TOKEN, TLV_CONNECTION_ID, TLV_CONTAINER]);

/** Name of a container: a DNS label (RFC 1123 §2.1), which is all that Kubernetes takes. */
const CONTAINER = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

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
  /** The container that the connection came from, if that one has an identity of its own; null: the agent itself. */
  readonly container: string | null;
}

/** As {@link Preamble}; a container that is left out is none. */
export type NewPreamble = Omit<Preamble, "container"> & Partial<Pick<Preamble, "container">>;

/** True for a name that {@link parsePreamble} takes as a container: a DNS label of at most 63 characters. */
export function isContainerName(text: string): boolean {
  return CONTAINER.test(text);
}

/** A preamble that breaks a rule; the message says which. */
export class PreambleError extends Error {
  override readonly name = "PreambleError";
}

/** The bytes that open a tagged connection. @throws PreambleError for what {@link parsePreamble} would refuse */
export function encodePreamble(preamble: NewPreamble): Buffer {
  const source = endpointBytes(preamble.source);
  const destination = endpointBytes(preamble.destination);
  if (source.address.byteLength !== destination.address.byteLength) throw new PreambleError("source and destination are of different families");
  const family = (source.address.byteLength === 4 ? 0x10 : 0x20) | (preamble.transport === "tcp" ? 1 : 2);
  const token = tlv(TLV_TOKEN, preamble.token);
  const id = tlv(TLV_CONNECTION_ID, preamble.connectionId);
  const container = typeof preamble.container === "string" ? [tlv(TLV_CONTAINER, preamble.container)] : [];
  const body = Buffer.concat([source.address, destination.address, source.port, destination.port, token, id, ...container]);
  const head = Buffer.alloc(PREAMBLE_HEAD_BYTES);
  SIGNATURE.copy(head);
  head.writeUInt8(VERSION_AND_PROXY_COMMAND, 12);
  head.writeUInt8(family, 13);
  head.writeUInt16BE(body.byteLength, 14);
  const whole = Buffer.concat([head, body]);
  parsePreamble(whole);
  return whole;
}

/**
 * How many bytes the whole preamble has, the head included.
 * @param head the first {@link PREAMBLE_HEAD_BYTES} bytes of a connection; more are ignored
 * @throws PreambleError if they do not open a preamble of ours, or if it would be larger than {@link PREAMBLE_LIMIT_BYTES}
 */
export function parsePreambleHead(head: Buffer): number {
  if (head.byteLength < PREAMBLE_HEAD_BYTES) throw new PreambleError("shorter than the fixed part");
  // The text form (v1) carries no token, so it is refused with everything else that is not the binary signature.
  if (!head.subarray(0, SIGNATURE.byteLength).equals(SIGNATURE)) throw new PreambleError("no PROXY v2 signature");
  if (head.readUInt8(12) !== VERSION_AND_PROXY_COMMAND) throw new PreambleError("not version 2 with command PROXY");
  const family = FAMILIES.get(head.readUInt8(13));
  if (family === undefined) throw new PreambleError("unknown family");
  const bodyBytes = head.readUInt16BE(14);
  if (bodyBytes < addressBlockBytes(family.addressBytes)) throw new PreambleError("too short for its addresses");
  if (PREAMBLE_HEAD_BYTES + bodyBytes > PREAMBLE_LIMIT_BYTES) throw new PreambleError(`larger than ${PREAMBLE_LIMIT_BYTES} bytes`);
  return PREAMBLE_HEAD_BYTES + bodyBytes;
}

/**
 * Reads one whole preamble.
 * @param bytes exactly as many as {@link parsePreambleHead} said: one more or one less is an error
 * @throws PreambleError whenever anything is not as {@link encodePreamble} writes it; only a CRC32C may be added (§2.2.3)
 */
export function parsePreamble(bytes: Buffer): Preamble {
  const length = parsePreambleHead(bytes);
  if (bytes.byteLength !== length) throw new PreambleError(`${bytes.byteLength} bytes where the head says ${length}`);
  const family = FAMILIES.get(bytes.readUInt8(13));
  if (family === undefined) throw new PreambleError("unknown family");
  const { transport, addressBytes } = family;
  const addresses = bytes.subarray(PREAMBLE_HEAD_BYTES, PREAMBLE_HEAD_BYTES + addressBlockBytes(addressBytes));
  const tlvs = readTlvs(bytes, PREAMBLE_HEAD_BYTES + addresses.byteLength);
  checkCrc(bytes, tlvs.get(TLV_CRC32C));
  return {
    transport,
    source: readEndpoint(addresses.subarray(0, addressBytes), addresses.readUInt16BE(2 * addressBytes)),
    destination: readEndpoint(addresses.subarray(addressBytes, 2 * addressBytes), addresses.readUInt16BE(2 * addressBytes + 2)),
    token: readText("token", tlvs.get(TLV_TOKEN), TOKEN_LIMIT_BYTES),
    connectionId: readText("connection id", tlvs.get(TLV_CONNECTION_ID), CONNECTION_ID_LIMIT_BYTES),
    container: readContainer(tlvs.get(TLV_CONTAINER)),
  };
}

/** Two addresses and two ports. */
function addressBlockBytes(addressBytes: number): number {
  return 2 * addressBytes + 4;
}

function endpointBytes(endpoint: Endpoint): { address: Buffer; port: Buffer } {
  if (!Number.isInteger(endpoint.port) || endpoint.port < 1 || endpoint.port > 65_535) throw new PreambleError("port out of range");
  const port = Buffer.alloc(2);
  port.writeUInt16BE(endpoint.port);
  try {
    return { address: addressToBytes(endpoint.address), port };
  } catch (error) {
    throw new PreambleError("not an IP address", { cause: error });
  }
}

function readEndpoint(bytes: Buffer, port: number): Endpoint {
  if (port === 0) throw new PreambleError("port 0");
  // The kernel hands such a connection over as IPv4; two spellings of one destination would be two chances to pass a check.
  if (isIPv4Mapped(bytes)) throw new PreambleError("IPv4-mapped address in an IPv6 preamble");
  return { address: bytesToAddress(bytes), port };
}

function tlv(type: number, text: string): Buffer {
  const value = Buffer.from(text, "utf8");
  if (value.byteLength > TOKEN_LIMIT_BYTES) throw new PreambleError("value too long");
  const head = Buffer.alloc(TLV_HEAD_BYTES);
  head.writeUInt8(type);
  head.writeUInt16BE(value.byteLength, 1);
  return Buffer.concat([head, value]);
}

/** Type to the place of its value; the TLVs must fill the rest exactly. */
function readTlvs(bytes: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at < bytes.byteLength;) {
    if (at + TLV_HEAD_BYTES > bytes.byteLength) throw new PreambleError("a TLV is cut off");
    const type = bytes.readUInt8(at);
    const end = at + TLV_HEAD_BYTES + bytes.readUInt16BE(at + 1);
    if (end > bytes.byteLength) throw new PreambleError("a TLV is longer than the preamble");
    if (!KNOWN_TLVS.has(type)) throw new PreambleError(`unknown TLV ${type}`);
    if (found.has(type)) throw new PreambleError(`TLV ${type} twice`);
    found.set(type, bytes.subarray(at + TLV_HEAD_BYTES, end));
    at = end;
  }
  return found;
}

/** The sum is over the whole preamble with the sum itself as zeros (§2.2.3). */
function checkCrc(bytes: Buffer, sum: Buffer | undefined): void {
  if (sum === undefined) return;
  if (sum.byteLength !== 4) throw new PreambleError("CRC32C is not 4 bytes");
  const zeroed = Buffer.from(bytes);
  zeroed.fill(0, sum.byteOffset - bytes.byteOffset, sum.byteOffset - bytes.byteOffset + 4);
  if (crc32c(zeroed) !== sum.readUInt32BE()) throw new PreambleError("CRC32C does not match");
}

function readText(what: string, value: Buffer | undefined, limitBytes: number): string {
  if (value === undefined) throw new PreambleError(`no ${what}`);
  if (value.byteLength === 0 || value.byteLength > limitBytes) throw new PreambleError(`${what} is empty or longer than ${limitBytes} bytes`);
  // Visible ASCII is all that a JWT or an id needs, and nothing else may reach a log line.
  if (value.some((byte) => byte < 0x21 || byte > 0x7e)) throw new PreambleError(`${what} is not visible ASCII`);
  return value.toString("latin1");
}

function readContainer(value: Buffer | undefined): string | null {
  if (value === undefined) return null;
  const name = value.toString("latin1");
  if (!isContainerName(name)) throw new PreambleError("container is not a DNS label");
  return name;
}
