import { Secret } from "../../common/secret.ts";
import { fieldText, fieldValue } from "./header-text.ts";
import type { InjectChoice } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import { valueOf, type Material } from "./secret-source.ts";

/**
 * Puts a secret into the form of a header field.
 * @throws SourceError `malformed | oversized` if it could not be one field
 */
export function injectHeader(inject: InjectChoice<"header">, material: Material): Injection {
  const secret = valueOf(material, "value");
  const text = fieldText(secret);
  const sent = inject.basicUser === undefined ? text : Buffer.from(`${inject.basicUser}:${text}`).toString("base64");
  const format = inject.format ?? (inject.basicUser === undefined ? "Bearer {secret}" : "Basic {secret}");
  // A function, because `$&` and its like in a secret are not patterns.
  const value = format.replace("{secret}", () => sent);
  return { headers: [[inject.header, fieldValue(value)]], secrets: sent === text ? [secret] : [secret, new Secret(sent)] };
}
