import { RegoObject, type RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { integer, ofTexts } from "./operands.ts";

/** The four ways in which a UUID is written that OPA reads. */
const FORMS = [
  /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i,
  /^.([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12}).$/is,
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
];
/** From the beginning of the Gregorian calendar to 1970, in units of 100 ns. */
const EPOCH_TICKS = 122_192_928_000_000_000n;
const DOMAINS: readonly string[] = ["Person", "Group", "Org"];

export const UUID_BUILTINS: Readonly<Record<string, Builtin>> = { "uuid.parse": ofTexts((text) => parseUuid(text)) };

/** Version and variant, and of versions 1 and 2 what they were made of (RFC 4122 §4.1). */
function parseUuid(text: string): RegoObject | undefined {
  const found = FORMS.map((form) => form.exec(text)).find((match) => match !== null);
  if (found === undefined) return undefined;
  const bytes = Buffer.from(found.slice(1).join(""), "hex");
  const version = bytes.readUInt8(6) >> 4;
  const fields: [string, RegoValue][] = [["version", version], ["variant", variantOf(bytes.readUInt8(8))]];
  if (version === 1 || version === 2) fields.push(...madeOf(bytes));
  if (version === 2) fields.push(["id", bytes.readUInt32BE(0)], ["domain", DOMAINS[bytes.readUInt8(9)] ?? `Domain${bytes.readUInt8(9)}`]);
  return new RegoObject(fields);
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}

function madeOf(bytes: Buffer): [string, RegoValue][] {
  const ticks = (BigInt(bytes.readUInt16BE(6) & 0x0fff) << 48n) | (BigInt(bytes.readUInt16BE(4)) << 32n) | BigInt(bytes.readUInt32BE(0));
  const node = bytes.subarray(10);
  const first = node.readUInt8(0);
  return [
    ["time", integer(BigInt.asIntN(64, (ticks - EPOCH_TICKS) * 100n))],
    ["nodeid", [...node].map((byte) => byte.toString(16).padStart(2, "0")).join("-")],
    ["macvariables", `${(first & 2) === 0 ? "global" : "local"}:${(first & 1) === 0 ? "unicast" : "multicast"}`],
    ["clocksequence", bytes.readUInt16BE(8) & 0x3fff],
  ];
}
