import type { Socket } from "node:net";

/** RFC 9113 §6: what a test writes by hand, so that it can write what no client library would. */
export const FRAME = { data: 0, headers: 1, priority: 2, reset: 3, settings: 4, push: 5, ping: 6, goaway: 7, windowUpdate: 8, continuation: 9, altsvc: 10, origin: 12 } as const;
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export function frame(type: number, flags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK literals without indexing and without Huffman (RFC 7541 §6.2.2): any bytes, also unlawful ones. */
export function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.byteLength < 127) return Buffer.concat([Buffer.of(bytes.byteLength), bytes]);
  const length = [127];
  let left = bytes.byteLength - 127;
  for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) | 128);
  length.push(left);
  return Buffer.concat([Buffer.from(length), bytes]);
}

export function request(over: Readonly<Record<string, string | null>> = {}, more: readonly (readonly [string, string])[] = []): [string, string][] {
  const pseudo: Record<string, string | null> = { ":method": "GET", ":scheme": "https", ":authority": "api.ok", ":path": "/", ...over };
  return [...Object.entries(pseudo).filter((entry): entry is [string, string] => entry[1] !== null), ...more.map(([name, value]): [string, string] => [name, value])];
}

export function headers(streamId: number, fields: readonly (readonly [string, string])[], flags: number = FLAG.endStream): Buffer {
  return frame(FRAME.headers, flags | FLAG.endHeaders, streamId, headerBlock(fields));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** The other end of a connection, frame by frame. */
export class FramePeer {
  readonly socket: Socket;
  readonly frames: SeenFrame[] = [];
  isClosed = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => { this.#read(chunk); }).on("close", () => { this.isClosed = true; });
    socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]));
  }

  send(...frames: readonly Buffer[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(frames));
  }

  of(type: number, streamId?: number): SeenFrame[] {
    return this.frames.filter((seen) => seen.type === type && (streamId === undefined || seen.streamId === streamId));
  }

  body(streamId: number): string {
    return Buffer.concat(this.of(FRAME.data, streamId).map(({ payload }) => payload)).toString();
  }

  /** The error code of the first GOAWAY, or null. */
  get goaway(): number | null {
    return this.of(FRAME.goaway)[0]?.payload.readUInt32BE(4) ?? null;
  }

  resetCode(streamId: number): number | null {
    return this.of(FRAME.reset, streamId)[0]?.payload.readUInt32BE(0) ?? null;
  }

  #read(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    while (bytes.byteLength >= 9 && bytes.byteLength >= 9 + bytes.readUIntBE(0, 3)) {
      const length = bytes.readUIntBE(0, 3);
      this.frames.push({ type: bytes.readUInt8(3), flags: bytes.readUInt8(4), streamId: bytes.readUInt32BE(5), payload: Buffer.from(bytes.subarray(9, 9 + length)) });
      bytes = bytes.subarray(9 + length);
    }
    this.#rest = Buffer.from(bytes);
  }
}
