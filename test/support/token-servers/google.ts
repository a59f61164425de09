import { createPublicKey, randomBytes } from "node:crypto";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { formOf, startTokenServer, type TokenServer } from "./token-server.ts";

export const GOOGLE = "oauth2.googleapis.com";
export const GOOGLE_TOKEN_URI = `https://${GOOGLE}/token`;

export interface GoogleStandIn extends TokenServer {
  nextToken: string | null;
}

interface ServiceAccount {
  readonly email: string;
  readonly keyId: string;
  readonly publicKeyPem: string;
}

/** The token endpoint for service accounts: the assertion is verified, of this very audience, and good for an hour at most. */
export async function startGoogle({ email, keyId, publicKeyPem }: ServiceAccount): Promise<GoogleStandIn> {
  const isAccountItself = async (assertion: string): Promise<boolean> => {
    try {
      const { payload } = await jwtVerify(assertion, createPublicKey(publicKeyPem), {
        algorithms: ["RS256"], issuer: email, audience: GOOGLE_TOKEN_URI, requiredClaims: ["iat", "exp", "scope"],
      });
      const nowS = Math.floor(Date.now() / 1_000);
      return decodeProtectedHeader(assertion).kid === keyId && (payload.iat ?? 0) <= nowS && (payload.exp ?? 0) - (payload.iat ?? 0) <= 3_600;
    } catch {
      return false;
    }
  };
  const server: GoogleStandIn = Object.assign(await startTokenServer([GOOGLE], async (request) => {
    const form = request.path === "/token" ? formOf(request) : null;
    if (form?.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") return { status: 400, body: { error: "unsupported_grant_type" } };
    if (!await isAccountItself(form.get("assertion") ?? "")) return { status: 400, body: { error: "invalid_grant", error_description: "Invalid JWT Signature." } };
    return { status: 200, body: { access_token: server.nextToken ?? `ya29.${randomBytes(32).toString("base64url")}`, expires_in: 3_599, token_type: "Bearer" } };
  }), { nextToken: null });
  return server;
}
