import { isIPv4, isIPv6 } from "node:net";
import { addressToBytes, bytesToAddress } from "../../common/address-bytes.ts";
import { EgressError } from "../errors.ts";

export interface Authority {
  /** Lower case, without brackets and without a trailing dot; an address in its canonical text form. */
  readonly host: string;
  readonly isAddress: boolean;
  /** Null if none was written. */
  readonly port: number | null;
}

const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9.-]{1,254}))(?::([1-9]\d{0,4}))?$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** A last label that some resolver takes for a number: then the whole name is an address in some notation (WHATWG URL, "ends in a number"). */
const NUMBER = /^(?:\d+|0x[0-9a-f]*)$/;
const HOST_LIMIT = 253;

/**
 * Reads a Host field or `:authority` by the strict grammar: a name of LDH labels, dotted-quad IPv4, or bracketed IPv6, and a port.
 * No user information, no zone id, no percent-encoding, no other notation of an address.
 * @throws EgressError `request.malformed`
 */
export function readAuthority(text: string): Authority {
  const match = AUTHORITY.exec(text);
  if (match === null) throw malformed(text);
  const port = match[3] === undefined ? null : Number(match[3]);
  if (port !== null && port > 65_535) throw malformed(text);
  if (match[1] !== undefined) return { host: canonicalIPv6(match[1]), isAddress: true, port };
  return { ...readHost(match[2] ?? "", text), port };
}

function readHost(written: string, text: string): { host: string; isAddress: boolean } {
  const lower = written.toLowerCase();
  const host = lower.endsWith(".") ? lower.slice(0, -1) : lower;
  if (host.length === 0 || host.length > HOST_LIMIT) throw malformed(text);
  const labels = host.split(".");
  if (!labels.every((label) => LABEL.test(label))) throw malformed(text);
  if (!NUMBER.test(labels.at(-1) ?? "")) return { host, isAddress: false };
  if (!isIPv4(lower)) throw malformed(text);
  return { host, isAddress: true };
}

/** The one text form of an IPv6 address (RFC 5952), so that two writings of it are equal. */
export function canonicalIPv6(text: string): string {
  if (!isIPv6(text) || text.includes("%")) throw malformed(text);
  return bytesToAddress(addressToBytes(text));
}

function malformed(text: string): EgressError {
  return new EgressError("request.malformed", `not a host: ${JSON.stringify(text.slice(0, 80))}`);
}
