import { crc32 } from "node:zlib";
import type { Ask } from "./stand-in.ts";

/**
 * The object's bytes of a request to S3. A body in chunks is taken apart, and the checksum in its trailer is compared
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
 * @returns null if the chunks or the checksum are wrong
 */
export function contentOf({ headers, body }: Ask): Buffer | null {
  if (!String(headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-")) return isIntact(body, headers["x-amz-checksum-crc32"]) ? body : null;
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = body.indexOf("\r\n", at);
    const length = /^[0-9a-fA-F]+$/.exec(body.subarray(at, end).toString("latin1"))?.[0];
    if (end === -1 || length === undefined) return null;
    const size = Number.parseInt(length, 16);
    const from = end + 2;
    if (size === 0) return finish(Buffer.concat(chunks), body.subarray(from).toString("latin1"), headers["x-amz-decoded-content-length"]);
    if (body.subarray(from + size, from + size + 2).toString("latin1") !== "\r\n") return null;
    chunks.push(body.subarray(from, from + size));
    at = from + size + 2;
  }
  return null;
}

function finish(content: Buffer, trailer: string, decodedLength: string | string[] | undefined): Buffer | null {
  const checksum = /^x-amz-checksum-crc32:\s*(\S+)/m.exec(trailer)?.[1];
  return checksum !== undefined && decodedLength === String(content.length) && isIntact(content, checksum) ? content : null;
}

function isIntact(content: Buffer, checksum: string | string[] | undefined): boolean {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(content));
  return checksum === undefined || sum.toString("base64") === checksum;
}
