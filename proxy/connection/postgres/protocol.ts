/** Numbers of the PostgreSQL frontend/backend protocol, version 3 (PostgreSQL documentation, chapter "Message Formats"). */

export const REQUEST = { cancel: 80_877_102, ssl: 80_877_103, gssEncryption: 80_877_104 } as const;
export const MAJOR_VERSION = 3;
/** What is spoken with both sides, whatever minor version the client offers. */
export const VERSION_3_0 = MAJOR_VERSION << 16;

/** PostgreSQL's own limit of a startup packet, in bytes (MAX_STARTUP_PACKET_LENGTH). */
export const STARTUP_LIMIT_BYTES = 10_000;
/** Length and code of a packet without a type. */
export const PACKET_HEAD_BYTES = 8;
/** Smallest startup packet: length, version, the zero at its end. */
const STARTUP_LEAST_BYTES = 9;
/** Length, code, process number and a key of 4 bytes (3.0) up to 256 (3.2). */
const CANCEL_LEAST_BYTES = 16;
const CANCEL_LIMIT_BYTES = 12 + 256;

/** Types of messages, by their letter. */
export const FROM_SERVER = {
  authentication: "R", parameterStatus: "S", backendKeyData: "K", readyForQuery: "Z", errorResponse: "E", noticeResponse: "N", negotiateVersion: "v",
} as const;

/** Kinds of `authentication`. */
export const AUTHENTICATION = { ok: 0, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;

/**
 * Whether these first bytes of a connection open PostgreSQL: `undecided` while they still could. Length and code are looked at together, so
 * that no other protocol is taken for it by its first four bytes.
 */
export function guessPostgres(seen: Buffer): "yes" | "no" | "undecided" {
  if (seen.byteLength > 0 && seen[0] !== 0) return "no";
  if (seen.byteLength > 1 && seen[1] !== 0) return "no";
  if (seen.byteLength < 4) return "undecided";
  const length = seen.readUInt32BE(0);
  if (length < PACKET_HEAD_BYTES || length > STARTUP_LIMIT_BYTES) return "no";
  if (seen.byteLength < PACKET_HEAD_BYTES) return "undecided";
  return isOpening(length, seen.readUInt32BE(4)) ? "yes" : "no";
}

function isOpening(length: number, code: number): boolean {
  switch (code) {
    case REQUEST.ssl:
    case REQUEST.gssEncryption: return length === PACKET_HEAD_BYTES;
    case REQUEST.cancel: return length >= CANCEL_LEAST_BYTES && length <= CANCEL_LIMIT_BYTES;
    default: return code >>> 16 === MAJOR_VERSION && length >= STARTUP_LEAST_BYTES;
  }
}
