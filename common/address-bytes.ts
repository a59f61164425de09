import { isIPv4, isIPv6 } from "node:net";

const IPV4_MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/**
 * The bytes of an IP address in network order: 4 for IPv4, 16 for IPv6.
 * @param text dotted IPv4 or any RFC 4291 form of IPv6, without a zone (a zone has no bytes)
 * @throws RangeError for anything else
 */
export function addressToBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) throw new RangeError("not an IP address");
  const [head = "", tail] = text.split("::");
  const front = groupsToBytes(head);
  const back = groupsToBytes(tail ?? "");
  return Buffer.concat([front, Buffer.alloc(16 - front.byteLength - back.byteLength), back]);
}

function groupsToBytes(text: string): Buffer {
  if (text === "") return Buffer.alloc(0);
  return Buffer.concat(text.split(":").map((group) => (isIPv4(group) ? addressToBytes(group) : Buffer.from(group.padStart(4, "0"), "hex"))));
}

/** The one text form of an address: dotted IPv4, or IPv6 as RFC 5952 §4 writes it. @param bytes 4 or 16 of them */
export function bytesToAddress(bytes: Buffer): string {
  if (bytes.byteLength === 4) return bytes.join(".");
  if (bytes.byteLength !== 16) throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.byteLength}`);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const { start, length } = longestZeroRun(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** True for ::ffff:0:0/96 (RFC 4291 §2.5.5.2): an IPv4 address in IPv6 clothes. */
export function isIPv4Mapped(bytes: Buffer): boolean {
  return bytes.byteLength === 16 && bytes.subarray(0, 12).equals(IPV4_MAPPED_PREFIX);
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
