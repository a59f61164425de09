import { createHash, createHmac } from "node:crypto";
import { RegoObject, RegoSet, type RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { parseJson } from "./json-text.ts";
import { ofTexts } from "./operands.ts";

const digest = (algorithm: string) => ofTexts((text) => createHash(algorithm).update(text).digest("hex"));
const hmac = (algorithm: string) => ofTexts((text, key) => createHmac(algorithm, key).update(text).digest("hex"));

export const ENCODING_BUILTINS: Readonly<Record<string, Builtin>> = {
  "base64url.encode_no_pad": ofTexts((text) => Buffer.from(text).toString("base64url")),
  "hex.encode": ofTexts((text) => Buffer.from(text).toString("hex")),
  "hex.decode": ofTexts((text) => (/^(?:[0-9a-fA-F]{2})*$/.test(text) ? utf8(Buffer.from(text, "hex")) : undefined)),
  "crypto.md5": digest("md5"),
  "crypto.sha1": digest("sha1"),
  "crypto.sha256": digest("sha256"),
  "crypto.hmac.md5": hmac("md5"),
  "crypto.hmac.sha1": hmac("sha1"),
  "crypto.hmac.sha256": hmac("sha256"),
  "crypto.hmac.sha512": hmac("sha512"),
  "crypto.hmac.equal": ofTexts((a, b) => a === b),
  "urlquery.encode": ofTexts((text) => encodeQuery(text)),
  "urlquery.decode": ofTexts((text) => decodeQuery(text)),
  "urlquery.encode_object": (object) => encodeObject(object),
  "urlquery.decode_object": ofTexts((text) => decodeObject(text)),
  "io.jwt.decode": ofTexts((token) => decodeToken(token)),
};

/** Text of bytes. @throws Error if they are none: OPA would go on with text that cannot be written down */
function utf8(bytes: Buffer): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** Escapes everything but letters, digits and `-_.~`; a space is a plus sign, as in Go. */
function encodeQuery(text: string): string {
  const percentEncoded = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, percentEncoded).replaceAll("%20", "+");
}

function decodeQuery(text: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const asBytes = (part: string, hex?: string) => (hex === undefined ? Buffer.from(part).toString("latin1") : String.fromCharCode(Number.parseInt(hex, 16)));
  const bytes = text.replaceAll("+", " ").replace(/%([0-9a-fA-F]{2})|[^%]+/g, asBytes);
  return utf8(Buffer.from(bytes, "latin1"));
}

function encodeObject(object: RegoValue | undefined): string | undefined {
  if (!(object instanceof RegoObject)) return undefined;
  const pairs: string[] = [];
  for (const [key, value] of object.entries) {
    const values = textsOf(value);
    if (values === null || typeof key !== "string") return undefined;
    for (const one of values) pairs.push(`${encodeQuery(key)}=${encodeQuery(one)}`);
  }
  return pairs.join("&");
}

function textsOf(value: RegoValue): readonly string[] | null {
  if (typeof value === "string") return [value];
  const members: readonly RegoValue[] | null = value instanceof RegoSet ? value.members : (Array.isArray(value) ? value as readonly RegoValue[] : null);
  return members !== null && members.every((member) => typeof member === "string") ? members : null;
}

function decodeObject(text: string): RegoObject | undefined {
  const found = new Map<string, string[]>();
  for (const part of text.split("&").filter((one) => one !== "")) {
    if (part.includes(";")) return undefined;
    const equals = part.indexOf("=");
    const key = decodeQuery(equals === -1 ? part : part.slice(0, equals));
    const value = decodeQuery(equals === -1 ? "" : part.slice(equals + 1));
    if (key === undefined || value === undefined) return undefined;
    found.set(key, [...found.get(key) ?? [], value]);
  }
  return new RegoObject(found);
}

const NESTING_LIMIT = 8;

/** Header, payload and signature of a token, or of the one inside of it; nothing is verified, and encrypted ones are not read. */
function decodeToken(token: string, depth = 0): RegoValue | undefined {
  const parts = token.split(".");
  const [header, payload, signature] = parts.map(base64Url);
  if (parts.length !== 3 || depth > NESTING_LIMIT || header === undefined || payload === undefined || signature === undefined) return undefined;
  const head = jsonObject(header);
  if (head === undefined || head.get("enc") !== undefined) return undefined;
  if (head.get("cty") === "JWT") return decodeToken(utf8(payload).replace(/^["']+|["']+$/g, ""), depth + 1);
  const claims = jsonObject(payload);
  return claims === undefined ? undefined : [head, claims, signature.toString("hex")];
}

/** Go's decoder lets line breaks pass. */
function base64Url(text: string): Buffer | undefined {
  const bare = text.replace(/[\r\n]/g, "");
  if (bare !== text && text.endsWith("=")) throw new Error("io.jwt.decode: broken lines are not read");
  const unpadded = bare.replace(/={1,2}$/, "");
  const isPaddedWell = unpadded === bare || bare.length % 4 === 0;
  if (!/^[A-Za-z0-9_-]*$/.test(unpadded) || unpadded.length % 4 === 1 || !isPaddedWell) return undefined;
  return Buffer.from(unpadded, "base64url");
}

function jsonObject(bytes: Buffer): RegoObject | undefined {
  const value = parseJson(utf8(bytes));
  return value instanceof RegoObject ? value : undefined;
}

/** Text of Base64 with its padding (RFC 4648 §4; §5, whose padding may be missing); line breaks pass, as in Go. @param isText if its bytes must be text */
export function decodeBase64(text: string, alphabet: "base64" | "base64url", isText = true): string | undefined {
  const bare = text.replace(/[\r\n]/g, "");
  const unpadded = bare.replace(/={1,2}$/, "");
  const isPadded = bare.length % 4 === 0 || (alphabet === "base64url" && unpadded === bare && bare.length % 4 !== 1);
  const isWritten = (alphabet === "base64" ? /^[A-Za-z0-9+/]*$/ : /^[A-Za-z0-9_-]*$/).test(unpadded);
  if (!isPadded || !isWritten) return undefined;
  const bytes = Buffer.from(unpadded, alphabet);
  return isText ? utf8(bytes) : "";
}
