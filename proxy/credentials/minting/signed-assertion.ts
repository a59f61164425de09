import { createPrivateKey, randomUUID, type KeyObject } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "../../../common/clock.ts";
import type { Secret } from "../../../common/secret.ts";
import { SourceError } from "../secret-source.ts";

/** Server clocks may be behind ours by this much, in seconds. */
const CLOCK_SKEW_S = 60;
/** The shortest RSA key that RS256 allows, in bits (RFC 7518 §3.3). */
const LEAST_KEY_BITS = 2_048;

export interface Assertion {
  readonly claims: Readonly<Record<string, string>>;
  readonly keyId?: string | undefined;
  /** From now on, in seconds; it also begins a minute ago. */
  readonly lifetimeS: number;
}

/**
 * A JWT signed with an RSA key (RS256), by which a server knows who asks for a token (RFC 7523).
 * @param keyPem PKCS#1 or PKCS#8
 * @throws SourceError `malformed` if it is no RSA key, or a short one
 */
export async function signAssertion(keyPem: Secret, { claims, keyId, lifetimeS }: Assertion, clock: Clock): Promise<string> {
  const nowS = Math.floor(clock.nowMs() / 1_000);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...(keyId === undefined ? {} : { kid: keyId }) })
    .setIssuedAt(nowS - CLOCK_SKEW_S).setExpirationTime(nowS + lifetimeS).setJti(randomUUID())
    .sign(readKey(keyPem));
}

function readKey(pem: Secret): KeyObject {
  const key = parseKey(pem);
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_KEY_BITS) {
    throw new SourceError("malformed", `the key is not an RSA key of ${LEAST_KEY_BITS} bits or more`);
  }
  return key;
}

/** OpenSSL's words may quote what it could not read. */
function parseKey(pem: Secret): KeyObject {
  try {
    return createPrivateKey(pem.reveal());
  } catch {
    throw new SourceError("malformed", "the key is not a private key in PEM");
  }
}
