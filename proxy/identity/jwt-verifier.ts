import { createHash } from "node:crypto";
import { decodeJwt, errors, jwtVerify, type JWTPayload } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import { TOKEN_LIMIT_BYTES } from "../../common/identity.ts";
import { EgressError } from "../errors.ts";
import type { VerifiedAgent } from "../model/agent.ts";
import type { Peer } from "../model/connection.ts";
import { readClaims, type Binding } from "./claims.ts";
import type { IdentityConfig } from "./config.ts";
import type { IdentityVerifier } from "./identity-verifier.ts";
import { fetchKeys, KeySet, readKeysFile } from "./key-set.ts";
import type { LocalIssuer } from "./local-issuer.ts";
import type { PodDirectory } from "./pod-directory.ts";

/** One issuer and what is accepted of it. */
interface TrustedIssuer {
  readonly kind: "local" | "kubernetes";
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly keys: KeySet;
}

interface Verified {
  readonly agent: VerifiedAgent;
  readonly binding: Binding;
}

export interface JwtVerifierOptions {
  readonly clock: Clock;
  /** The issuer of this run or service, trusted besides the configured ones. */
  readonly localIssuer?: Pick<LocalIssuer, "issuer" | "audience" | "algorithm" | "jwks">;
  /** Where Kubernetes tokens are bound to their pod; without it none is accepted. */
  readonly pods?: PodDirectory;
}

/**
 * Verifies identity tokens: a JWT of a trusted issuer, for our audience, in time, shown by the peer that it is bound to. The signature
 * of a token is checked once and remembered by the token's hash, never past its expiry; expiry and peer are checked every time.
 */
export class JwtVerifier implements IdentityVerifier {
  readonly #config: IdentityConfig;
  readonly #clock: Clock;
  readonly #pods: PodDirectory | undefined;
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #verified: LRUCache<string, Verified>;

  constructor(config: IdentityConfig, { clock, localIssuer, pods }: JwtVerifierOptions) {
    this.#config = config;
    this.#clock = clock;
    this.#pods = pods;
    this.#issuers = trustedIssuers(config, clock, localIssuer);
    this.#verified = new LRUCache({ max: config.cacheEntries, ttl: config.keysRefreshMs, perf: { now: () => clock.monotonicMs() }, ttlResolution: 0 });
  }

  async verify(token: string, peer: Peer, signal: AbortSignal): Promise<VerifiedAgent> {
    if (token === "") throw new EgressError("identity.missing", "empty token");
    if (Buffer.byteLength(token) > TOKEN_LIMIT_BYTES) throw new EgressError("identity.malformed", `token larger than ${TOKEN_LIMIT_BYTES} bytes`);
    const verified = await this.#checkToken(token);
    if (verified.agent.expiresAtMs <= this.#clock.nowMs()) throw new EgressError("identity.expired", "the token has expired");
    await this.#checkBinding(verified.binding, peer, signal);
    return verified.agent;
  }

  async #checkToken(token: string): Promise<Verified> {
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    const issuer = this.#issuerOf(token);
    const payload = await this.#checkSignature(token, issuer);
    const { agent, binding } = readClaims(issuer.kind, payload);
    const verified = { agent: { ...agent, expiresAtMs: this.#checkTimes(payload) }, binding };
    this.#verified.set(key, verified);
    return verified;
  }

  /** Only chooses the keys: nothing that is read before the signature is checked counts. */
  #issuerOf(token: string): TrustedIssuer {
    let claimed: string | undefined;
    try {
      claimed = decodeJwt(token).iss;
    } catch (error) {
      throw new EgressError("identity.malformed", "the token is not a JWT", { cause: error });
    }
    const issuer = this.#issuers.get(claimed ?? "");
    if (issuer === undefined) throw new EgressError("identity.rejected", "the token's issuer is not trusted");
    return issuer;
  }

  async #checkSignature(token: string, { issuer, audience, algorithms, keys }: TrustedIssuer): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer, audience, algorithms: [...algorithms], requiredClaims: ["iat", "exp"],
        clockTolerance: this.#config.leewaySeconds, currentDate: new Date(this.#clock.nowMs()),
      });
      return payload;
    } catch (error) {
      if (error instanceof EgressError) throw error;
      if (error instanceof errors.JWTExpired) throw new EgressError("identity.expired", "the token has expired", { cause: error });
      throw new EgressError("identity.rejected", "the token is not valid here", { cause: error });
    }
  }

  /** @returns when the token expires, in wall-clock milliseconds */
  #checkTimes({ iat = 0, exp = 0 }: JWTPayload): number {
    const lifetimeMs = (exp - iat) * 1_000;
    if (lifetimeMs > this.#config.maxTokenLifetimeMs) throw new EgressError("identity.rejected", `the token lives ${lifetimeMs} ms, longer than allowed`);
    if (iat * 1_000 > this.#clock.nowMs() + this.#config.leewaySeconds * 1_000) throw new EgressError("identity.rejected", "the token is from the future");
    return exp * 1_000;
  }

  async #checkBinding(binding: Binding, peer: Peer, signal: AbortSignal): Promise<void> {
    if (binding.kind === "local") {
      // The file system guards a Unix socket; on TCP a token is worth nothing unless it names the address that shows it.
      if (peer.kind === "tcp" && binding.peerAddress !== peer.address) throw new EgressError("identity.rejected", "the token is not bound to this peer");
      return;
    }
    if (peer.kind === "unix") throw new EgressError("identity.rejected", "a pod's token does not arrive by a Unix socket");
    const addresses = await this.#addressesOf(binding.podUid, signal);
    if (addresses === null) throw new EgressError("identity.rejected", "no such pod runs on this node");
    if (!addresses.includes(peer.address)) throw new EgressError("identity.rejected", "the peer is not the token's pod");
  }

  async #addressesOf(podUid: string, signal: AbortSignal): Promise<readonly string[] | null> {
    if (this.#pods === undefined) throw new EgressError("identity.unavailable", "there is no directory of this node's pods");
    try {
      return await this.#pods.addressesOf(podUid, signal);
    } catch (error) {
      throw new EgressError("identity.unavailable", "the directory of this node's pods does not answer", { cause: error });
    }
  }
}

function trustedIssuers(config: IdentityConfig, clock: Clock, local: JwtVerifierOptions["localIssuer"]): ReadonlyMap<string, TrustedIssuer> {
  const times = { refreshMs: config.keysRefreshMs, cooldownMs: config.keysCooldownMs };
  const issuers = new Map<string, TrustedIssuer>();
  for (const { jwksFile, jwksUrl = "", ...issuer } of config.issuers) {
    const load = jwksFile === undefined ? async () => fetchKeys(jwksUrl) : async () => readKeysFile(jwksFile);
    issuers.set(issuer.issuer, { ...issuer, keys: new KeySet(load, times, clock) });
  }
  if (local !== undefined) {
    const { issuer, audience, algorithm, jwks } = local;
    issuers.set(issuer, { kind: "local", issuer, audience, algorithms: [algorithm], keys: new KeySet(async () => jwks, times, clock) });
  }
  return issuers;
}
