/** Longest host name in text form, in bytes (RFC 1035 §2.3.4 less length octets and root). */
const NAME_LIMIT = 253;

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** What a URL parser or an old resolver would read as an IPv4 address: `127.1`, `0x7f.1`, `2130706433` (WHATWG URL §3.5). */
const NUMERIC_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/;

/**
 * True for a canonical host name: lower case, labels of letters, digits, hyphen and underscore, no trailing dot, last label not numeric.
 * Checked before any library sees the name, so that no NUL, space or number form reaches one that reads it otherwise.
 */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > NAME_LIMIT) return false;
  const labels = text.split(".");
  return labels.every((label) => LABEL.test(label)) && !NUMERIC_LABEL.test(labels.at(-1) ?? "");
}
