import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { EgressError } from "../../errors.ts";
import type { HeaderList } from "../../model/request.ts";

type Decode = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;
const CODINGS: Readonly<Record<string, Decode>> = {
  "gzip": promisify(gunzip), "x-gzip": promisify(gunzip), "deflate": promisify(inflate), "br": promisify(brotliDecompress), "zstd": promisify(zstdDecompress),
};

/**
 * The body without its content coding (RFC 9110 §8.4). One coding is undone, as clients of models use one.
 * @param limitBytes of the outcome
 * @returns the very same buffer if it is not coded
 * @throws EgressError `request.malformed` for another coding or several, `request.body-limit` for one that unpacks to more
 */
export async function decodeBody(headers: HeaderList, body: Buffer, limitBytes: number): Promise<Buffer> {
  const named = headers.filter(([name]) => name === "content-encoding").flatMap(([, value]) => value.split(","));
  const [coding, ...more] = named.map((one) => one.trim().toLowerCase()).filter((one) => one !== "" && one !== "identity");
  if (coding === undefined) return body;
  const decode = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (decode === undefined || more.length > 0) throw new EgressError("request.malformed", "a content coding of a model's request that is not known here");
  try {
    return await decode(body, { maxOutputLength: limitBytes });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(limitBytes);
    throw new EgressError("request.malformed", `a body that is not ${coding}`, { cause });
  }
}

function tooLarge(limitBytes: number): EgressError {
  const reason = `What this request may cost has to be known before it is sent, and its body unpacks to more than ${limitBytes} bytes.`;
  return new EgressError("request.body-limit", `a coded body of more than ${limitBytes} bytes`, {
    explanation: { rule: "metering.bodyLimitBytes", reason, hint: "Send less at a time." },
  });
}
