/**
 * DER as certificates need it (ITU-T X.690): a writer, and a reader for certificates that the operator gave us. Never given bytes of an
 * agent or of a destination; OpenSSL reads those.
 */

const TAG = {
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, null: 0x05, oid: 0x06, utf8: 0x0c, utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
} as const;
const CONSTRUCTED_CONTEXT = 0xa0;
const PRIMITIVE_CONTEXT = 0x80;

export const sequence = (...parts: readonly Buffer[]): Buffer => element(TAG.sequence, Buffer.concat(parts));
export const set = (...parts: readonly Buffer[]): Buffer => element(TAG.set, Buffer.concat(parts));
export const octets = (content: Buffer): Buffer => element(TAG.octets, content);
export const utf8 = (text: string): Buffer => element(TAG.utf8, Buffer.from(text, "utf8"));
export const nothing = (): Buffer => element(TAG.null, Buffer.alloc(0));
export const yes = (): Buffer => element(TAG.boolean, Buffer.from([0xff]));
/** @param unusedBits at the end of the last byte */
export const bits = (content: Buffer, unusedBits = 0): Buffer => element(TAG.bits, Buffer.concat([Buffer.from([unusedBits]), content]));
export const constructed = (tag: number, content: Buffer): Buffer => element(CONSTRUCTED_CONTEXT | tag, content);
export const primitive = (tag: number, content: Buffer): Buffer => element(PRIMITIVE_CONTEXT | tag, content);

/** A positive integer. @param magnitude big-endian, first byte not zero unless it is the only one */
export function integer(magnitude: Buffer): Buffer {
  const isNegativeAsIs = ((magnitude[0] ?? 0) & 0x80) !== 0;
  return element(TAG.integer, isNegativeAsIs ? Buffer.concat([Buffer.from([0]), magnitude]) : magnitude);
}

/** @param text dotted decimal */
export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return element(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5); whole seconds. */
export function time(atMs: number): Buffer {
  const at = new Date(atMs);
  const digits = at.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  const isEarly = at.getUTCFullYear() < 2050;
  return element(isEarly ? TAG.utcTime : TAG.generalizedTime, Buffer.from(`${isEarly ? digits.slice(2) : digits}Z`, "latin1"));
}

function element(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthBytes(content.byteLength), content]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f));
  return bytes;
}

export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag and length included. */
  readonly whole: Buffer;
}

/** The elements that fill these bytes exactly. @throws RangeError if they do not */
export function readElements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const first = bytes.readUInt8(at + 1);
    const sizeBytes = first < 0x80 ? 0 : first & 0x7f;
    if (first === 0x80) throw new RangeError("an element has no length, which DER does not allow");
    if (sizeBytes > 3) throw new RangeError("an element is too long");
    const length = sizeBytes === 0 ? first : bytes.readUIntBE(at + 2, sizeBytes);
    const start = at + 2 + sizeBytes;
    if (start + length > bytes.byteLength) throw new RangeError("an element passes the end");
    found.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}
