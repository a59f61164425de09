import { randomBytes } from "node:crypto";

/** A vector of TLS: its length in `sizeBytes`, then its content. */
export function vector(sizeBytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(sizeBytes);
  length.writeUIntBE(content.byteLength, 0, sizeBytes);
  return Buffer.concat([length, content]);
}

export function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), vector(2, content)]);
}

/** The server_name extension with these names, each with its type. */
export function serverNames(...names: readonly (string | Buffer | { readonly type: number; readonly name: string })[]): Buffer {
  const entries = names.map((entry) => {
    const { type, name } = typeof entry === "object" && "type" in entry ? entry : { type: 0, name: entry };
    return Buffer.concat([Buffer.from([type]), vector(2, Buffer.from(name as string, "latin1"))]);
  });
  return extension(0, vector(2, Buffer.concat(entries)));
}

export function alpn(...protocols: readonly string[]): Buffer {
  return extension(16, vector(2, Buffer.concat(protocols.map((protocol) => vector(1, Buffer.from(protocol, "latin1"))))));
}

/** A ClientHello message that a server can answer is not needed: these are refused, or only looked at. */
export function clientHello(extensions: readonly Buffer[], paddingBytes = 0): Buffer {
  const padding = paddingBytes === 0 ? [] : Array.from({ length: Math.ceil(paddingBytes / 60_000) }, (_, index) => extension(0xff00 + index, Buffer.alloc(Math.min(60_000, paddingBytes - index * 60_000))));
  const body = Buffer.concat([
    Buffer.from([3, 3]), randomBytes(32), vector(1, randomBytes(32)), vector(2, Buffer.from([0x13, 0x01])), vector(1, Buffer.from([0])),
    vector(2, Buffer.concat([...extensions, ...padding])),
  ]);
  return Buffer.concat([Buffer.from([1]), vector(3, body)]);
}

/** Cuts a handshake message into records of at most so many bytes. */
export function records(message: Buffer, fragmentBytes = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.byteLength; at += fragmentBytes) {
    parts.push(Buffer.concat([Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + fragmentBytes))]));
  }
  return Buffer.concat(parts);
}
