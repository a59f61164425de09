import type { InjectChoice } from "./injection-config.ts";
import type { Injection } from "./injection.ts";
import { SourceError, valueOf, type Material } from "./secret-source.ts";

/** Largest value of a query parameter that is set, in bytes; servers commonly stop at 8 KiB for the whole request line. */
const VALUE_LIMIT_BYTES = 4_096;

/** Sets a query parameter; the exchange percent-encodes it. @throws SourceError `malformed` for control characters and for what is empty */
export function injectQuery({ parameter }: InjectChoice<"query">, material: Material): Injection {
  const secret = valueOf(material, "value");
  const text = secret.reveal();
  if (text === "" || /[\x00-\x1f\x7f]/.test(text)) throw new SourceError("malformed", "the secret is empty or has a control character in it");
  if (Buffer.byteLength(text) > VALUE_LIMIT_BYTES) throw new SourceError("oversized", `the value of the parameter is larger than ${VALUE_LIMIT_BYTES} bytes`);
  return { query: [[parameter, secret]], secrets: [secret] };
}
