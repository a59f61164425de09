import { isIP } from "node:net";
import { addressToBytes, bytesToAddress, isIPv4Mapped } from "../../common/address-bytes.ts";
import { isInRange, readRange, type AddressRange } from "../../common/address-range.ts";

type Range = readonly [text: string, why: string];

/** Never opened by configuration: where the host itself, its metadata service or nobody in particular would answer. */
const CLOSED_RANGES: readonly Range[] = [
  ["0.0.0.0/8", "this host"], ["127.0.0.0/8", "loopback"], ["::/128", "this host"], ["::1/128", "loopback"],
  ["224.0.0.0/4", "multicast"], ["ff00::/8", "multicast"], ["255.255.255.255/32", "broadcast"],
  ["169.254.169.254/32", "metadata"], ["169.254.170.2/32", "metadata"], ["169.254.170.23/32", "metadata"], ["100.100.100.200/32", "metadata"],
  ["168.63.129.16/32", "metadata"], ["192.0.0.192/32", "metadata"], ["fd00:ec2::/32", "metadata"], ["fd20:ce::254/128", "metadata"],
  ["fe80::a9fe:a9fe/128", "metadata"],
];

/** Special-purpose ranges (IANA registries, RFC 6890 and its updates); `allowAddresses` may open a part of them. */
const SPECIAL_RANGES: readonly Range[] = [
  ["10.0.0.0/8", "private"], ["100.64.0.0/10", "shared"], ["169.254.0.0/16", "link-local"], ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "protocol assignments"], ["192.0.2.0/24", "documentation"], ["192.31.196.0/24", "AS112"], ["192.52.193.0/24", "AMT"],
  ["192.88.99.0/24", "6to4 relay"], ["192.168.0.0/16", "private"], ["192.175.48.0/24", "AS112"], ["198.18.0.0/15", "benchmarking"],
  ["198.51.100.0/24", "documentation"], ["203.0.113.0/24", "documentation"], ["240.0.0.0/4", "reserved"],
  ["64:ff9b::/96", "NAT64"], ["64:ff9b:1::/48", "NAT64"], ["100::/64", "discard"], ["100:0:0:1::/64", "dummy prefix"],
  ["2001::/23", "protocol assignments"], ["2001:db8::/32", "documentation"], ["2002::/16", "6to4"], ["2620:4f:8000::/48", "AS112"],
  ["3fff::/20", "documentation"], ["5f00::/16", "segment routing"], ["fc00::/7", "private"], ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local"],
];

export interface GuardRules {
  readonly allowAddresses: readonly string[];
  readonly clusterCidrs: readonly string[];
  /** Addresses of the machine that the proxy runs on, asked for at each check: interfaces come and go. */
  readonly ownAddresses: () => readonly string[];
}

/** Null: may be dialled. Otherwise why not, for the audit. */
export type AddressGuard = (address: string) => string | null;

/** A range, and why it is closed. */
type Closed = readonly [AddressRange, string];

/**
 * Judges an address by its class alone; pure but for `ownAddresses`. An IPv6 address that carries an IPv4 address is judged by that too,
 * because a translator on the way would deliver it there.
 */
export function openAddressGuard(rules: GuardRules): AddressGuard {
  const allowed = rules.allowAddresses.map(rangeOf);
  const cluster = rules.clusterCidrs.map((text): Closed => [rangeOf(text), "cluster"]);
  const closed = parseRanges(CLOSED_RANGES);
  const special = [...parseRanges(SPECIAL_RANGES), ...cluster];

  const judge = (address: Buffer, own: readonly string[]): string | null => {
    if (own.includes(bytesToAddress(address))) return "own address";
    const never = whyIn(closed, address);
    if (never !== null) return never;
    const why = whyIn(special, address);
    return why !== null && allowed.some((range) => isInRange(range, address)) ? null : why;
  };

  return (text) => {
    if (isIP(text) === 0 || text.includes("%")) return "not an address";
    const address = addressToBytes(text);
    const own = rules.ownAddresses().map(canonical);
    const carried = carriedIpv4(address).map((inner) => judge(inner, own)).find((why) => why !== null);
    return judge(address, own) ?? (carried === undefined ? null : `carries IPv4 ${carried}`);
  };
}

function parseRanges(ranges: readonly Range[]): Closed[] {
  return ranges.map(([text, why]) => [rangeOf(text), why]);
}

/** @throws RangeError for what the configuration does not let through */
function rangeOf(text: string): AddressRange {
  const range = readRange(text);
  if (range === null) throw new RangeError(`not an address range: ${text}`);
  return range;
}

function whyIn(ranges: readonly Closed[], address: Buffer): string | null {
  return ranges.find(([range]) => isInRange(range, address))?.[1] ?? null;
}

/** An interface's address without its zone; IPv4 in the clothes of IPv6 as IPv4. */
function canonical(text: string): string {
  const address = text.split("%", 1)[0] ?? text;
  if (isIP(address) === 0) return text;
  const bytes = addressToBytes(address);
  return bytesToAddress(isIPv4Mapped(bytes) ? bytes.subarray(12) : bytes);
}

/**
 * The IPv4 addresses inside an IPv6 address: mapped, compatible and translated (RFC 4291 §2.5.5, RFC 2765), 6to4 (RFC 3056), NAT64
 * (RFC 6052), Teredo (RFC 4380, obfuscated) and ISATAP in any prefix (RFC 5214 §6.1).
 */
function carriedIpv4(bytes: Buffer): Buffer[] {
  if (bytes.byteLength === 4) return [];
  const at = (offset: number, mask = 0): Buffer => Buffer.from(bytes.subarray(offset, offset + 4).map((byte) => byte ^ mask));
  const startsWith = (...prefix: readonly number[]): boolean => prefix.every((byte, index) => bytes[index] === byte);
  const zeros = bytes.findIndex((byte) => byte !== 0);
  const carried: Buffer[] = [];
  if (zeros >= 12 || zeros === -1) carried.push(at(12));
  if (zeros === 10 && bytes[10] === 0xff && bytes[11] === 0xff) carried.push(at(12));
  if (zeros === 8 && bytes[8] === 0xff && bytes[9] === 0xff && bytes[10] === 0 && bytes[11] === 0) carried.push(at(12));
  if (startsWith(0x20, 0x02)) carried.push(at(2));
  if (startsWith(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0) || startsWith(0, 0x64, 0xff, 0x9b, 0, 1)) carried.push(at(12));
  if (startsWith(0x20, 0x01, 0, 0)) carried.push(at(4), at(12, 0xff));
  if ((bytes[8] === 0 || bytes[8] === 2) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe) carried.push(at(12));
  return carried;
}
