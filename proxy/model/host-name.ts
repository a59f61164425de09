const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** What `inet_aton` would read as a number: `127.1`, `0x7f000001`, `0177.0.0.1` all end in such a label (WHATWG URL §3.5, "ends in a number"). */
const NUMBER = /^(?:[0-9]+|0x[0-9a-f]*)$/;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text. */
const NAME_LIMIT = 253;

/**
 * True for a host name in its one accepted spelling: lower-case letters, digits and inner hyphens (RFC 1123 §2.1), labels of 1 to 63,
 * at most 253 characters, no trailing dot, and no last label that some resolver would take for an address.
 */
export function isHostName(text: string): boolean {
  if (text.length > NAME_LIMIT) return false;
  const labels = text.split(".");
  return labels.every((label) => LABEL.test(label)) && !NUMBER.test(labels.at(-1) ?? "");
}
