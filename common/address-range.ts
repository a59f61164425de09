import { isIP } from "node:net";
import { addressToBytes, bytesToAddress } from "./address-bytes.ts";

/** Addresses that begin with the same bits. IPv4 and IPv6 have nothing in common: an IPv6 address that carries an IPv4 address is in no range of IPv4. */
export interface AddressRange {
  /** Lowest of them in network order: 4 bytes or 16. */
  readonly first: Buffer;
  /** How many bits all of them share. */
  readonly bits: number;
}

/** Reads `10.0.0.0/8` or `fd00::/8` (RFC 4632 §3.1, RFC 4291 §2.3), whatever stands behind the bits. @returns null for anything else */
export function readRange(text: string): AddressRange | null {
  const [, address = "", length = ""] = /^([^/%]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  if (isIP(address) === 0) return null;
  const bytes = addressToBytes(address);
  const bits = Number(length);
  return bits > 8 * bytes.byteLength ? null : { first: masked(bytes, bits), bits };
}

/** @param bytes of an address: 4 or 16 */
export function isInRange({ first, bits }: AddressRange, bytes: Buffer): boolean {
  return bytes.byteLength === first.byteLength && first.every((byte, index) => ((bytes[index] ?? 0) & maskAt(index, bits)) === byte);
}

/** The one text form of a range. */
export function rangeText({ first, bits }: AddressRange): string {
  return `${bytesToAddress(first)}/${bits}`;
}

function masked(bytes: Buffer, bits: number): Buffer {
  return Buffer.from(bytes.map((byte, index) => byte & maskAt(index, bits)));
}

/** The part of a byte that all addresses of a range share. */
function maskAt(index: number, bits: number): number {
  return 0xff & (0xff00 >> Math.min(Math.max(bits - 8 * index, 0), 8));
}
