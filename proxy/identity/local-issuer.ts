import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import * as z from "zod";
import { systemClock, type Clock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { agentIdentity, IDENTITY_CLAIM, PROXY_AUDIENCE, type AgentIdentity } from "../../common/identity.ts";
import { readOrMakePrivateFile } from "../../common/private-file.ts";
import { PEER_CLAIM } from "./claims.ts";
import type { Jwks } from "./key-set.ts";

const ALGORITHM = "ES256";
const KEY_FILE = "issuer-key.json";

const privateJwk = z.strictObject({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), d: z.string() });
type PrivateJwk = z.output<typeof privateJwk>;

/** Issues identity tokens on one machine: for the sandbox of `weir run`, and for sidecars that an operator starts. */
export interface LocalIssuer {
  /** The `iss` of its tokens; differs for every key, so that two runs never take each other's tokens. */
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: string;
  /** The public half, for those who verify. */
  readonly jwks: Jwks;
  /**
   * A token for this agent. @param ttlMs until it expires, in milliseconds
   * @param peerAddress the one address that may show it on TCP; without it the token is good on Unix sockets only
   */
  mint(agent: AgentIdentity, ttlMs: number, peerAddress?: string): Promise<string>;
}

/**
 * Opens the issuer whose key is in this folder, making the key on first use (mode 0600).
 * @throws UserError if others may read the key, or the file holds none
 */
export async function openLocalIssuer(directory: string, clock: Clock = systemClock): Promise<LocalIssuer> {
  const path = join(directory, KEY_FILE);
  const jwk = parseKey(path, await readOrMakePrivateFile(path, makeKey));
  const { d: _private, ...publicJwk } = jwk;
  const kid = await calculateJwkThumbprint(publicJwk);
  const key = await importJWK(jwk, ALGORITHM);
  const issuer = `weir:local:${kid.slice(0, 16)}`;
  return {
    issuer, audience: PROXY_AUDIENCE, algorithm: ALGORITHM,
    jwks: { keys: [{ ...publicJwk, kid, alg: ALGORITHM, use: "sig" }] },
    mint: async (agent, ttlMs, peerAddress) => {
      const issuedAt = Math.floor(clock.nowMs() / 1_000);
      const bound = peerAddress === undefined ? {} : { [PEER_CLAIM]: peerAddress };
      return new SignJWT({ [IDENTITY_CLAIM]: agentIdentity.parse(agent), ...bound })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: "JWT" })
        .setIssuer(issuer).setAudience(PROXY_AUDIENCE).setSubject(agent.instance).setJti(randomUUID())
        .setIssuedAt(issuedAt).setNotBefore(issuedAt).setExpirationTime(issuedAt + Math.ceil(ttlMs / 1_000))
        .sign(key);
    },
  };
}

async function makeKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  return `${JSON.stringify({ kty, crv, x, y, d })}\n`;
}

function parseKey(path: string, text: string): PrivateJwk {
  try {
    return privateJwk.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${path} holds no issuer key`, "Remove the file; a new key is made, and tokens of the old one are worth nothing.", EXIT.config, { cause: error });
  }
}
