import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { EgressError } from "../../errors.ts";
import type { HeaderList } from "../../model/request.ts";

const CHUNK = { chunkSize: 64 * 1024 };
const CODINGS: Readonly<Record<string, () => Transform>> = {
  "gzip": () => createGunzip(CHUNK), "x-gzip": () => createGunzip(CHUNK), "deflate": () => createInflate(CHUNK),
  "br": () => createBrotliDecompress(CHUNK), "zstd": () => createZstdDecompress(CHUNK),
};
/** A body may unpack to so many times its length, beside the first bytes; text seldom does to 50. */
const GROWTH_LIMIT = 200;
const FREE_BYTES = 1 << 20;

/** How much may come of a body. */
export interface DecodeLimit {
  readonly bytes: number;
  /** Asked for each piece before it is kept. @throws EgressError if there is no room for it */
  readonly take: (bytes: number) => void;
}

/**
 * The body without its content coding (RFC 9110 §8.4). One coding is undone, as clients of models use one.
 * @returns the very same buffer if it is not coded
 * @throws EgressError `request.malformed` for another coding or several, `request.body-limit` for one that unpacks to more, or out of all proportion
 */
export async function decodeBody(headers: HeaderList, body: Buffer, limit: DecodeLimit): Promise<Buffer> {
  const named = headers.filter(([name]) => name === "content-encoding").flatMap(([, value]) => value.split(","));
  const [coding, ...more] = named.map((one) => one.trim().toLowerCase()).filter((one) => one !== "" && one !== "identity");
  if (coding === undefined) return body;
  const open = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (open === undefined || more.length > 0) throw new EgressError("request.malformed", "a content coding of a model's request that is not known here");
  try {
    return await unpacked(open(), body, limit);
  } catch (cause) {
    if (cause instanceof EgressError) throw cause;
    throw new EgressError("request.malformed", `a body that is not ${coding}`, { cause });
  }
}

/** Piece by piece: what is too much is never unpacked as a whole. */
async function unpacked(decoder: Transform, body: Buffer, { bytes: limitBytes, take }: DecodeLimit): Promise<Buffer> {
  const most = FREE_BYTES + body.byteLength * GROWTH_LIMIT;
  const pieces: Buffer[] = [];
  let bytes = 0;
  decoder.end(body);
  for await (const piece of decoder as AsyncIterable<Buffer>) {
    bytes += piece.byteLength;
    if (bytes > limitBytes) throw tooLarge(`more than ${limitBytes} bytes`, "metering.bodyLimitBytes");
    if (bytes > most) throw tooLarge(`more than ${GROWTH_LIMIT} times its length`, "metering.growth");
    take(piece.byteLength);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}

/** @param to ends a sentence */
function tooLarge(to: string, rule: string): EgressError {
  const reason = `What this request may cost has to be known before it is sent, and its body unpacks to ${to}.`;
  return new EgressError("request.body-limit", `a coded body that unpacks to ${to}`, { explanation: { rule, reason, hint: "Send less at a time." } });
}
