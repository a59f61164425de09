import type { Duplex } from "node:stream";
import { EgressError, type ErrorCode } from "../../errors.ts";
import { gather } from "../gather.ts";
import { PACKET_HEAD_BYTES, STARTUP_LIMIT_BYTES } from "./protocol.ts";

const LENGTH_BYTES = 4;
const TYPE_BYTES = 1;

/** How long a side has for a packet, and what it is called when it does not keep to the protocol. */
export interface Reading {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** A packet without a type, as clients begin: `code` is a request or a version. */
export interface Opening {
  readonly code: number;
  readonly body: Buffer;
}

export interface Message {
  /** One letter. */
  readonly type: string;
  readonly body: Buffer;
}

interface Side {
  readonly name: string;
  readonly malformed: ErrorCode;
  readonly late: ErrorCode;
  readonly gone: ErrorCode;
}

const AGENT: Side = { name: "agent", malformed: "wire.malformed", late: "wire.silent", gone: "relay.aborted" };
const SERVER: Side = { name: "server", malformed: "upstream.malformed", late: "upstream.timeout", gone: "upstream.aborted" };

/** Reads exactly one packet of a client that begins; what follows it stays in the stream. @throws EgressError `wire.*`, `relay.aborted` */
export async function readOpening(stream: Duplex, reading: Reading): Promise<Opening> {
  const packet = await readFrame(stream, { lengthAt: 0, leastBytes: PACKET_HEAD_BYTES, limitBytes: STARTUP_LIMIT_BYTES, side: AGENT }, reading);
  return { code: packet.readUInt32BE(LENGTH_BYTES), body: packet.subarray(PACKET_HEAD_BYTES) };
}

/** Reads exactly one message of a server; what follows it stays in the stream. @throws EgressError `upstream.*` */
export async function readMessage(stream: Duplex, limitBytes: number, reading: Reading): Promise<Message> {
  const frame = await readFrame(stream, { lengthAt: TYPE_BYTES, leastBytes: LENGTH_BYTES, limitBytes, side: SERVER }, reading);
  return { type: frame.toString("latin1", 0, TYPE_BYTES), body: frame.subarray(TYPE_BYTES + LENGTH_BYTES) };
}

/** Reads a server's answer to a request for TLS. More than one byte would be words before the handshake. @throws EgressError `upstream.*` */
export async function readSslAnswer(stream: Duplex, { deadlineMs, signal }: Reading): Promise<string> {
  const { bytes, end } = await gather(stream, (seen) => seen.byteLength > 0, { limitBytes: 1, deadlineMs }, signal);
  if (bytes.byteLength === 0) throw tooShort(SERVER, end, 0);
  if (bytes.byteLength > 1) throw new EgressError("upstream.malformed", "words in clear after the answer to the request for TLS");
  return bytes.toString("latin1");
}

interface Frame {
  /** Where the length stands, which counts itself and what follows it. */
  readonly lengthAt: number;
  readonly leastBytes: number;
  readonly limitBytes: number;
  readonly side: Side;
}

async function readFrame(stream: Duplex, { lengthAt, leastBytes, limitBytes, side }: Frame, { deadlineMs, signal }: Reading): Promise<Buffer> {
  let wantedBytes = lengthAt + LENGTH_BYTES;
  const isWhole = (seen: Buffer): boolean => {
    if (seen.byteLength < lengthAt + LENGTH_BYTES) return false;
    const length = seen.readUInt32BE(lengthAt);
    if (length < leastBytes || length > limitBytes) throw new EgressError(side.malformed, `a packet of ${length} bytes of the ${side.name}`);
    wantedBytes = lengthAt + length;
    return seen.byteLength >= wantedBytes;
  };
  const { bytes, end } = await gather(stream, isWhole, { limitBytes: Number.POSITIVE_INFINITY, deadlineMs }, signal);
  if (end !== "enough") throw tooShort(side, end, bytes.byteLength);
  if (bytes.byteLength > wantedBytes) stream.unshift(bytes.subarray(wantedBytes));
  return bytes.subarray(0, wantedBytes);
}

function tooShort(side: Side, end: string, seenBytes: number): EgressError {
  return new EgressError(end === "deadline" ? side.late : side.gone, `${side.name}: ${end} after ${seenBytes} bytes of a packet`);
}
