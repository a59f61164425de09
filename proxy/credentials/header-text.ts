import { Secret } from "../../common/secret.ts";
import { SourceError } from "./secret-source.ts";

/** Largest value of a header field that is set, in bytes; servers commonly stop at 8 KiB for a line. */
const VALUE_LIMIT_BYTES = 16 * 1024;

/**
 * The text of a secret that can be part of a header field.
 * @throws SourceError `malformed` if it could not be one field (RFC 9110 §5.5): a line break in a secret would begin another field
 */
export function fieldText(secret: Secret): string {
  const text = secret.reveal();
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) throw new SourceError("malformed", "the secret is not printable ASCII on one line, or has spaces around it");
  return text;
}

/** A value of a header field. @throws SourceError `oversized` if no server would take it */
export function fieldValue(value: string): Secret {
  if (value.length > VALUE_LIMIT_BYTES) throw new SourceError("oversized", `the header value is larger than ${VALUE_LIMIT_BYTES} bytes`);
  return new Secret(value);
}
