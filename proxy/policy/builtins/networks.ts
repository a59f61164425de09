import { isIPv4, isIPv6 } from "node:net";
import { addressToBytes, bytesToAddress } from "../../../common/address-bytes.ts";
import { RegoObject, RegoSet, type RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { ofTexts } from "./operands.ts";

/** Most addresses that a network is expanded to, and most pairs that are compared. */
const EXPANSION_LIMIT = 65_536;
const PAIR_LIMIT = 1_000_000;
/** IPv4 addresses are counted where IPv6 embeds them (RFC 4291 §2.5.5.2), so that the two never mix. */
const MAPPED = 0xffff_0000_0000n;

export const NETWORK_BUILTINS: Readonly<Record<string, Builtin>> = {
  "net.cidr_is_valid": (text) => typeof text === "string" && readNetwork(text) !== null,
  "net.cidr_expand": ofTexts((text) => expanded(text)),
  "net.cidr_merge": (networks) => merged(networks),
  "net.cidr_contains_matches": (networks, others) => matches(networks, others),
};

/** From the first to the last address, as numbers of 128 bits. */
interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** As it is printed. */
interface Network extends Range {
  readonly text: string;
}

/** An address without a zone as a number of 128 bits; null if it is none. */
function readAddress(text: string): bigint | null {
  if (!isIPv4(text) && !(isIPv6(text) && !text.includes("%"))) return null;
  const bytes = addressToBytes(text);
  const value = BigInt(`0x${bytes.toString("hex")}`);
  return bytes.byteLength === 4 ? MAPPED | value : value;
}

function readNetwork(text: string): Network | null {
  const [, address = "", length = ""] = /^([^/]*)\/(\d{1,7})$/.exec(text) ?? [];
  const value = readAddress(address);
  const isShort = isIPv4(address);
  if (value === null || Number(length) > (isShort ? 32 : 128)) return null;
  const size = 1n << BigInt((isShort ? 32 : 128) - Number(length));
  const first = value - value % size;
  return { first, last: first + size - 1n, text: written(first, size) };
}

/** What `net.cidr_contains` takes for its second argument. */
function readEither(text: string): Range | null {
  const address = readAddress(text);
  return address === null ? readNetwork(text) : { first: address, last: address };
}

/** `net.cidr_contains`; IPv4 and IPv6 have nothing in common, and an IPv4 address that is written as IPv6 is IPv4. */
export function networksContain(text: string, otherText: string): boolean | undefined {
  const [network, other] = [readNetwork(text), readEither(otherText)];
  if (network === null || other === null) return undefined;
  return network.first <= other.first && other.last <= network.last && isMapped(network.first) === isMapped(other.first);
}

/** `net.cidr_intersects` */
export function networksIntersect(text: string, otherText: string): boolean | undefined {
  const [network, other] = [readNetwork(text), readNetwork(otherText)];
  if (network === null || other === null) return undefined;
  return network.first <= other.last && other.first <= network.last && isMapped(network.first) === isMapped(other.first);
}

function isMapped(value: bigint): boolean {
  return value >> 32n === 0xffffn;
}

/** The way Go prints an address. */
function writtenAddress(value: bigint): string {
  if (isMapped(value)) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  return bytesToAddress(Buffer.from(value.toString(16).padStart(32, "0"), "hex"));
}

function written(first: bigint, size: bigint): string {
  const bits = size.toString(2).length - 1;
  return `${writtenAddress(first)}/${(isMapped(first) ? 32 : 128) - bits}`;
}

function expanded(text: string): RegoSet | undefined {
  const network = readNetwork(text);
  if (network === null) return undefined;
  const count = network.last - network.first + 1n;
  if (count > BigInt(EXPANSION_LIMIT)) throw new Error(`net.cidr_expand: more than ${EXPANSION_LIMIT} addresses`);
  return new RegoSet(Array.from({ length: Number(count) }, (_, index) => writtenAddress(network.first + BigInt(index))));
}

/** Keys of those that contain one of the others, each with the key of the other: places of lists, members of sets, keys of objects, or the text itself. */
function matches(networks: RegoValue | undefined, others: RegoValue | undefined): RegoSet | undefined {
  const [ours, theirs] = [keyed(networks), keyed(others)];
  if (ours === null || theirs === null) return undefined;
  if (ours.length * theirs.length > PAIR_LIMIT) throw new Error("net.cidr_contains_matches: too many pairs");
  const pairs: RegoValue[] = [];
  for (const [key, text] of ours) {
    for (const [otherKey, otherText] of theirs) {
      const contains = networksContain(text, otherText);
      if (contains === undefined) return undefined;
      if (contains) pairs.push([key, otherKey]);
    }
  }
  return new RegoSet(pairs);
}

function keyed(value: RegoValue | undefined): readonly (readonly [key: RegoValue, text: string])[] | null {
  const entries = entriesOf(value);
  const texts = entries.map(([key, of]) => [key, Array.isArray(of) ? (of as readonly RegoValue[])[0] : of] as const);
  return texts.every((entry): entry is readonly [RegoValue, string] => typeof entry[1] === "string") ? texts : null;
}

function entriesOf(value: RegoValue | undefined): readonly (readonly [key: RegoValue, of: RegoValue])[] {
  if (typeof value === "string") return [[value, value]];
  if (value instanceof RegoSet) return value.members.map((member) => [member, member] as const);
  if (value instanceof RegoObject) return value.entries;
  return Array.isArray(value) ? (value as readonly RegoValue[]).map((member, index) => [index, member] as const) : [];
}

/** Networks that touch or overlap become the fewest that cover the same. An IPv4 address alone stands for its class, as in OPA. */
function merged(networks: RegoValue | undefined): RegoSet | undefined {
  if (!Array.isArray(networks) && !(networks instanceof RegoSet)) return undefined;
  const members = networks instanceof RegoSet ? networks.members : networks as readonly RegoValue[];
  const read = members.map((member) => (typeof member === "string" ? readNetwork(member) ?? classOf(member) : null));
  if (!read.every((network) => network !== null)) return undefined;
  const sorted = read.sort((a, b) => order(a.last, b.last) || order(a.first, b.first));
  const ranges: (Range & { readonly text?: string })[] = [...sorted];
  for (let index = ranges.length - 1; index > 0; index -= 1) {
    const [before, here] = [ranges[index - 1] as Range, ranges[index] as Range];
    const reach = here.first === MAPPED || here.first === 0n ? here.first : here.first - 1n;
    if (reach > before.last) continue;
    ranges.splice(index - 1, 2, { first: before.first < here.first ? before.first : here.first, last: here.last });
  }
  return new RegoSet(ranges.flatMap((range) => (range.text === undefined ? covering(range) : [range.text])));
}

function order(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function classOf(text: string): Network | null {
  const value = readAddress(text);
  if (value === null || !isMapped(value)) return null;
  const top = Number((value >> 24n) & 0xffn);
  if (top >= 224) throw new Error("net.cidr_merge: an address without a class");
  const length = top < 128 ? 8 : (top < 192 ? 16 : 24);
  const size = 1n << BigInt(32 - length);
  const first = value - value % size;
  return { first, last: first + size - 1n, text: `${writtenAddress(value)}/${length}` };
}

/** The fewest networks that are exactly the range. */
function covering({ first, last }: Range): string[] {
  const networks: string[] = [];
  for (let at = first; at <= last;) {
    let size = 1n;
    while (at % (size * 2n) === 0n && at + size * 2n - 1n <= last && size < 1n << 128n) size *= 2n;
    networks.push(written(at, size));
    at += size;
  }
  return networks;
}
