import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Ask } from "./stand-in.ts";

/** What a signature check needs to know. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Why S3 would not take a request: its own error codes. */
export interface SignatureFault {
  readonly code: "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "RequestTimeTooSkewed" | "AuthorizationHeaderMalformed" | "XAmzContentSHA256Mismatch" | "NotImplemented";
  readonly message: string;
}

const AUTHORIZATION = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/(\d{8})\/([^/,]+)\/([^/,]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;
const SKEW_LIMIT_MS = 15 * 60_000;

/**
 * Checks the signature of a request to S3 as the service does, from the bytes that arrived: Signature Version 4 in the header, by the steps of
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Written for this proof alone, from that page.
 * @returns null if the signature is right
 */
export function signatureFault(ask: Ask, keys: KeyPair, nowMs: number): SignatureFault | null {
  const authorization = ask.headers.authorization;
  if (authorization === undefined) return { code: "AccessDenied", message: "Access Denied" };
  const [, accessKeyId, day = "", region = "", service = "", signedNames = "", signature = ""] = AUTHORIZATION.exec(authorization) ?? [];
  if (accessKeyId === undefined) return { code: "AuthorizationHeaderMalformed", message: "The authorization header is malformed" };
  if (accessKeyId !== keys.accessKeyId) return { code: "InvalidAccessKeyId", message: "The AWS Access Key Id you provided does not exist in our records." };
  const date = one(ask, "x-amz-date");
  const skewMs = Math.abs(nowMs - timeOf(date));
  if (!(skewMs <= SKEW_LIMIT_MS) || !date.startsWith(day)) return { code: "RequestTimeTooSkewed", message: "The difference between the request time and the current time is too large." };
  const unsigned = unsignedFault(ask, signedNames.split(";")) ?? payloadFault(ask);
  if (unsigned !== null) return unsigned;
  const fields = signedNames.split(";").map((name) => `${name}:${one(ask, name)}`);
  const canonical = [ask.method, canonicalPath(ask.path), canonicalQuery(ask.target), ...fields, "", signedNames, one(ask, "x-amz-content-sha256")].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", date, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join("\n");
  const key = [day, region, service, "aws4_request"].reduce<Buffer>((secret, part) => hmac(secret, part), Buffer.from(`AWS4${keys.secretAccessKey}`));
  const isRight = timingSafeEqual(hmac(key, toSign), Buffer.from(signature, "hex"));
  return isRight ? null : { code: "SignatureDoesNotMatch", message: "The request signature we calculated does not match the signature you provided." };
}

/** The host, and each field of Amazon's own, must be signed. */
function unsignedFault({ headers }: Ask, signed: readonly string[]): SignatureFault | null {
  const needed = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  const missing = needed.filter((name) => !signed.includes(name));
  return missing.length === 0 ? null : { code: "AccessDenied", message: `There were headers present in the request which were not signed: ${missing.join(", ")}` };
}

function payloadFault(ask: Ask): SignatureFault | null {
  const declared = one(ask, "x-amz-content-sha256");
  // A trailer's checksum stands for the body then; aws-chunked.ts compares it.
  if (declared === "UNSIGNED-PAYLOAD" || declared === "STREAMING-UNSIGNED-PAYLOAD-TRAILER") return null;
  if (declared.startsWith("STREAMING-")) return { code: "NotImplemented", message: "This stand-in takes no signed streams." };
  return declared === sha256(ask.body) ? null : { code: "XAmzContentSHA256Mismatch", message: "The provided 'x-amz-content-sha256' header does not match what was computed." };
}

/** Values of one field, trimmed, runs of spaces made one. `host` of HTTP/2 is the authority. */
function one(ask: Ask, name: string): string {
  const value = name === "host" ? ask.host : ask.headers[name];
  return (Array.isArray(value) ? value.join(",") : value ?? "").trim().replaceAll(/ +/g, " ");
}

/** Each segment decoded and encoded once: S3 alone does not encode it twice. */
function canonicalPath(path: string): string {
  return path.split("/").map((segment) => encode(decodeURIComponent(segment))).join("/");
}

function canonicalQuery(target: string): string {
  const [, query = ""] = target.split(/\?(.*)/s);
  const pairs = query.split("&").filter((pair) => pair !== "").map((pair) => {
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    return [encode(decodeURIComponent(name)), encode(decodeURIComponent(value))] as const;
  });
  return pairs.sort(([name, value], [other, otherValue]) => compare(name, other) || compare(value, otherValue)).map(([name, value]) => `${name}=${value}`).join("&");
}

/** By the bytes: both are ASCII. */
function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** `20130524T000000Z` in milliseconds. */
function timeOf(date: string): number {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
