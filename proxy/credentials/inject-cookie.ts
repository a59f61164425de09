import { fieldValue } from "./header-text.ts";
import type { InjectChoice } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** RFC 6265 §4.1.1 `cookie-octet`: anything else would end the cookie, or begin another one. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

/** Sends one cookie and no other. @throws SourceError `malformed` if the secret could not be the value of one */
export function injectCookie({ name }: InjectChoice<"cookie">, material: Material): Injection {
  const secret = valueOf(material, "value");
  const text = secret.reveal();
  if (!COOKIE_VALUE.test(text)) throw new SourceError("malformed", "the secret has a character that a cookie may not have");
  return { headers: [["cookie", fieldValue(`${name}=${text}`)]], secrets: [secret] };
}
