import { Secret } from "../../common/secret.ts";
import type { Injection } from "./injection.ts";
import type { InjectConfig } from "./injectors.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** Largest value of a header field that is set, in bytes; servers commonly stop at 8 KiB for a line. */
const VALUE_LIMIT_BYTES = 16 * 1024;

/**
 * Puts a secret into the form of a header field.
 * @throws SourceError `malformed` if the value could not be one field (RFC 9110 §5.5): a line break in a secret would begin another field
 */
export function injectHeader(inject: Extract<InjectConfig, { type: "header" }>, material: Material): Injection {
  const secret = valueOf(material, "value");
  const text = secret.reveal();
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)) throw new SourceError("malformed", "the secret is not printable ASCII on one line, or has spaces around it");
  const sent = inject.basicUser === undefined ? text : Buffer.from(`${inject.basicUser}:${text}`).toString("base64");
  const format = inject.format ?? (inject.basicUser === undefined ? "Bearer {secret}" : "Basic {secret}");
  // A function, because `$&` and its like in a secret are not patterns.
  const value = format.replace("{secret}", () => sent);
  if (value.length > VALUE_LIMIT_BYTES) throw new SourceError("oversized", `the header value is larger than ${VALUE_LIMIT_BYTES} bytes`);
  return { headers: [[inject.header, new Secret(value)]], secrets: sent === text ? [secret] : [secret, new Secret(sent)] };
}
