import { createHash } from "node:crypto";
import * as z from "zod";
import { AccessRefused } from "./access.ts";

/** Kubernetes' own tokens are about 1 KiB; those of issuers with many groups are larger. */
const TOKEN_LIMIT_BYTES = 16 << 10;

/** What a token says of itself, unproven: good for choosing who can prove it, and for nothing else. */
const hearsay = z.object({ iss: z.string().optional(), aud: z.union([z.string(), z.array(z.string())]).optional() });

export interface BearerToken {
  readonly text: string;
  /** SHA-256; what caches are keyed by, so that no token lies around in memory longer than its request. */
  readonly hash: string;
  readonly claimedIssuer: string | null;
  readonly claimedAudiences: readonly string[];
}

/** Reads `Bearer TOKEN` (RFC 6750 §2.1). @throws AccessRefused for anything else */
export function readBearerToken(authorization: string | undefined): BearerToken {
  if (authorization === undefined) throw unauthenticated("authentication.missing", "the request carries no token");
  const [, text] = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization) ?? [];
  if (text === undefined || text.length > TOKEN_LIMIT_BYTES) {
    throw unauthenticated("authentication.malformed", "the authorization header is not a bearer token");
  }
  const claims = claimsOf(text);
  const audiences = claims.aud ?? [];
  return {
    text, hash: createHash("sha256").update(text).digest("base64"),
    claimedIssuer: claims.iss ?? null, claimedAudiences: typeof audiences === "string" ? [audiences] : audiences,
  };
}

export function unauthenticated(rule: string, reason: string, cause?: unknown): AccessRefused {
  const hint = "send `Authorization: Bearer TOKEN` with a token of Kubernetes (`kubectl create token NAME --audience weir-controller`) "
    + "or of a configured issuer";
  return new AccessRefused(rule, reason, { hint, kind: "unauthenticated", cause });
}

function claimsOf(token: string): z.output<typeof hearsay> {
  try {
    const parsed = hearsay.safeParse(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")));
    return parsed.success ? parsed.data : {};
  } catch {
    // Not every token of Kubernetes is a JWT.
    return {};
  }
}
