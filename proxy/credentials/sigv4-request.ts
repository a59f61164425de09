import type { OutboundHead } from "../model/request.ts";
import type { InjectChoice } from "./injection-config.ts";
import { unfit } from "./explain-refusal.ts";

/** What a request of the agent, signed with its dummy keys, says of how it wants to be signed. */
export interface AskedSignature {
  readonly region: string;
  readonly service: string;
  /** Lower case. */
  readonly signedHeaders: readonly string[];
}

const AUTHORIZATION = /^AWS4-HMAC-SHA256 +Credential=[^/,\s]{1,128}\/\d{8}\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request, *SignedHeaders=([a-z0-9;_.-]{1,4096}), *Signature=[0-9a-f]{1,128}$/;
/** They sign paths as they are, and let bodies go unsigned under TLS. */
const S3_SERVICES = new Set(["s3", "s3-outposts", "s3-object-lambda", "s3express"]);
const SIGNED_QUERY = /(?:^|[?&])x-amz-(?:signature|credential|algorithm)=/i;
/** Objects that are read though the path names another. */
const SOURCES = ["x-amz-copy-source", "x-amz-rename-source"];
const SHA256_HEX = /^[0-9a-f]{64}$/;

export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
/** Chunks with a checksum at the end, none of them signed: what the AWS CLI and the SDKs send to S3 by default since 2025. */
const UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

export function isS3(service: string): boolean {
  return S3_SERVICES.has(service);
}

export function fieldOf(head: OutboundHead, name: string): string | null {
  const value = head.headers.find(([field]) => field === name)?.[1];
  return value === undefined ? null : typeof value === "string" ? value : value.reveal();
}

export function textOf(target: OutboundHead["target"]): string {
  return typeof target === "string" ? target : target.reveal();
}

/** The service, before anything is judged; null if the request is not signed as it should be. */
export function serviceOf(head: OutboundHead): string | null {
  return AUTHORIZATION.exec(fieldOf(head, "authorization") ?? "")?.[2] ?? null;
}

/** @throws EgressError `credential.misdirected` for what is not signed over in the agent's stead, with the way out */
export function readAsked(head: OutboundHead, inject: InjectChoice<"aws-sigv4">): AskedSignature {
  if (SIGNED_QUERY.test(textOf(head.target))) {
    throw unfit("aws-sigv4.presigned", "The request is signed in its query.", "Send it signed in the Authorization header; a URL that the agent presigns with dummy keys is worth nothing.");
  }
  const authorization = fieldOf(head, "authorization") ?? "";
  if (authorization.startsWith("AWS4-ECDSA-P256-SHA256")) {
    throw unfit("aws-sigv4.sigv4a", "The request is signed with SigV4A.", "Use the endpoint of one region instead of a multi-region one.");
  }
  const [, region, service, signedHeaders] = AUTHORIZATION.exec(authorization) ?? [];
  if (region === undefined || service === undefined || signedHeaders === undefined) {
    throw unfit("aws-sigv4.unsigned", "The request is not signed with AWS Signature Version 4.",
      "Give the client the dummy keys of the grant (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY); the boundary signs again with the real ones.");
  }
  requireScope(region, service, inject);
  if (isS3(service)) requireOwnObject(head, inject);
  return { region, service, signedHeaders: signedHeaders.split(";") };
}

/** What S3 gives out besides objects, and what reaches objects that the path of the request does not name (Amazon S3 API reference). */
function requireOwnObject(head: OutboundHead, { copiesObjects }: InjectChoice<"aws-sigv4">): void {
  const [path = "", query = ""] = textOf(head.target).split(/\?(.*)/s).map(plain);
  if (/(?:^|[&;])session(?:[=&;]|$)/.test(query) || path.includes("/accessgrantsinstance/dataaccess")) {
    throw unfit("aws-sigv4.issues-keys", "S3 answers this request with keys of its own.",
      "Read and write objects with the dummy keys; turn off sessions of directory buckets (AWS_S3_DISABLE_EXPRESS_SESSION_AUTH=true).");
  }
  const reaches = SOURCES.find((name) => fieldOf(head, name) !== null);
  if (reaches !== undefined && !copiesObjects) {
    throw unfit("aws-sigv4.copies", `The request names another object as its source (${reaches}).`, "Get the object and put it where it should be, or ask for a grant with inject.copiesObjects.");
  }
}

function plain(text: string): string {
  return text.replace(/%([0-7][0-9A-F])/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).toLowerCase();
}

function requireScope(region: string, service: string, { regions, services }: InjectChoice<"aws-sigv4">): void {
  const isInside = services.includes(service) && (regions.includes("*") || regions.includes(region));
  if (!isInside) throw unfit("aws-sigv4.scope", `The grant signs nothing for service ${service} in region ${region}.`, "Use a service and a region of the grant, or ask for another grant.");
}

/**
 * What the signature says of a body that it does not cover by itself: a hash of the agent's (a wrong one is refused by S3), or that it is not covered.
 * @returns null if the signer has to work it out @throws EgressError `credential.misdirected` for bodies whose chunks are signed one by one
 */
export function readPayloadHash(head: OutboundHead, service: string, body: Buffer | null): string | null {
  const declared = fieldOf(head, "x-amz-content-sha256");
  if (declared?.startsWith("STREAMING-") === true && (declared !== UNSIGNED_CHUNKS || !isS3(service))) {
    throw unfit("aws-sigv4.streaming", "The chunks of the body are signed one by one, with a key that the agent does not have.",
      "Let the client send the body unsigned over TLS: payload_signing_enabled = false (AWS CLI, boto3), the default of current SDKs.");
  }
  if (!isS3(service) || body !== null) return null;
  if (declared === UNSIGNED_CHUNKS || declared === UNSIGNED_PAYLOAD || SHA256_HEX.test(declared ?? "")) return declared;
  return head.framing.kind === "none" ? null : UNSIGNED_PAYLOAD;
}
