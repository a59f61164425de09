import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { Secret } from "../../common/secret.ts";
import { EgressError } from "../errors.ts";
import type { Finish, Unfinished } from "../model/loan.ts";
import type { OutboundHead } from "../model/request.ts";
import { fieldText } from "./header-text.ts";
import type { InjectChoice } from "./injection-config.ts";
import type { Injection, InjectionContext } from "./injection.ts";
import { valueOf, type Material } from "./secret-source.ts";
import { fieldOf, isS3, readAsked, readPayloadHash, serviceOf, textOf, type AskedSignature } from "./sigv4-request.ts";

/** AWS refuses a signature that is further off than 15 minutes; the agent's own time is kept while it is well inside that. */
const MAX_SKEW_MS = 5 * 60_000;
const AMZ_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
/** What the signer writes; whatever the agent sent under these names is gone. */
const WRITTEN = new Set(["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]);

/**
 * Signs a request of AWS again that the agent signed with dummy keys (AWS Signature Version 4). Nothing but the signature shows the secret key;
 * a session token travels as it is.
 */
export function injectSigV4(inject: InjectChoice<"aws-sigv4">, material: Material, { nowMs }: InjectionContext): Injection {
  const { sessionToken } = material.values;
  const secretAccessKey = valueOf(material, "secretAccessKey");
  const keys = { accessKeyId: valueOf(material, "accessKeyId"), secretAccessKey, sessionToken };
  for (const key of Object.values(keys)) if (key !== undefined) fieldText(key);
  return {
    keep: ["authorization"], strip: ["x-amz-security-token"], toleratesRange: true,
    finish: new SigV4Finish(inject, keys, nowMs), secrets: sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken],
  };
}

interface Keys {
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
}

class SigV4Finish implements Finish {
  readonly order = "sign";
  readonly #inject: InjectChoice<"aws-sigv4">;
  readonly #keys: Keys;
  readonly #nowMs: () => number;

  constructor(inject: InjectChoice<"aws-sigv4">, keys: Keys, nowMs: () => number) {
    this.#inject = inject;
    this.#keys = keys;
    this.#nowMs = nowMs;
  }

  /** S3 takes bodies unsigned, or by the agent's own hash of them; the other services do not. What will be refused is not waited for. */
  bodyLimitBytes(head: OutboundHead): number | null {
    const service = serviceOf(head);
    return service === null || isS3(service) ? null : this.#inject.bodyLimitBytes;
  }

  async apply({ head, body }: Unfinished): Promise<Unfinished> {
    const asked = readAsked(head, this.#inject);
    const payloadHash = readPayloadHash(head, asked.service, body) ?? sha256Hex(body ?? Buffer.alloc(0));
    const headers = toSign(head, asked, { payloadHash, bytes: body?.byteLength ?? null });
    const [path, query] = splitTarget(textOf(head.target));
    const { accessKeyId, secretAccessKey, sessionToken } = this.#keys;
    const signer = new SignatureV4({
      credentials: { accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal(), ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.reveal() }) },
      region: asked.region, service: asked.service, sha256: NodeSha256, uriEscapePath: !isS3(asked.service), applyChecksum: false,
    });
    const request = { method: head.method, protocol: "https:", hostname: head.host, path: isS3(asked.service) ? keyPath(path) : path, query, headers };
    const signed = await signer.sign(request, { signingDate: this.#signingDate(head), signableHeaders: new Set(Object.keys(headers)) });
    return { head: { ...head, headers: [...head.headers.filter(([name]) => !WRITTEN.has(name)), ...written(signed.headers)] }, body };
  }

  #signingDate(head: OutboundHead): Date {
    const [, year, month, day, hour, minute, second] = (AMZ_DATE.exec(fieldOf(head, "x-amz-date") ?? "") ?? []).map(Number);
    const nowMs = this.#nowMs();
    const askedMs = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
    return new Date(Math.abs(nowMs - askedMs) <= MAX_SKEW_MS ? askedMs : nowMs);
  }
}

/** The fields under the signature: those that the agent signed, as they are sent now, every one of AWS's own, and the hash of the body. */
function toSign(head: OutboundHead, { signedHeaders }: AskedSignature, { payloadHash, bytes }: { readonly payloadHash: string; readonly bytes: number | null }): Record<string, string> {
  const wanted = new Set(signedHeaders);
  const fields = new Map<string, string>();
  for (const [name, value] of head.headers) {
    if (WRITTEN.has(name) || !(wanted.has(name) || name.startsWith("x-amz-"))) continue;
    const text = typeof value === "string" ? value : value.reveal();
    const before = fields.get(name);
    fields.set(name, before === undefined ? text : `${before},${text}`);
  }
  const length = bytes ?? (head.framing.kind === "length" ? head.framing.bytes : head.framing.kind === "none" ? 0 : null);
  // A length of nothing is not always sent, so it is not signed.
  if (wanted.has("content-length") && length !== null && length > 0) fields.set("content-length", String(length));
  fields.set("host", head.port === 443 ? head.host : `${head.host}:${head.port}`);
  fields.set("x-amz-content-sha256", payloadHash);
  return Object.fromEntries(fields);
}

/** What the signer made, as it is sent. Values of the agent's own that stay are not among them. */
function written(signed: Readonly<Record<string, string>>): OutboundHead["headers"] {
  return Object.entries(signed).filter(([name]) => WRITTEN.has(name.toLowerCase())).map(([name, value]) => [name.toLowerCase(), new Secret(value)] as const);
}

/** @throws EgressError `request.malformed` for an escape that is none: it could not be signed as AWS reads it */
function splitTarget(target: string): [path: string, query: Record<string, string[]>] {
  const mark = target.indexOf("?");
  const query: Record<string, string[]> = Object.create(null);
  const pairs = mark === -1 ? [] : target.slice(mark + 1).split("&").filter((pair) => pair !== "");
  for (const pair of pairs) {
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    (query[name] ??= []).push(equals === -1 ? "" : decode(pair.slice(equals + 1)));
  }
  return [mark === -1 ? target : target.slice(0, mark), query];
}

/** The path of an object as S3 signs it: the key, each byte but the unreserved ones and slashes escaped once. */
function keyPath(path: string): string {
  return path.split("/").map((segment) => encodeURIComponent(decode(segment)).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`))
    .join("/").replaceAll("%2F", "/");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new EgressError("request.malformed", "an escape that is not UTF-8", { cause });
  }
}

function sha256Hex(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The hash that the signer computes with. */
class NodeSha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", typeof secret === "string" ? secret : bytesOf(secret));
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new TypeError("a hash is made for each use");
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}
