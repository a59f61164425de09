import { createHash } from "node:crypto";
import { decodeJwt, errors, jwtVerify, type JWTPayload } from "jose";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import { TOKEN_LIMIT_BYTES } from "../../common/identity.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity, VerifiedAgent } from "../model/agent.ts";
import type { Peer } from "../model/connection.ts";
import type { HoldingsBook } from "../model/holdings.ts";
import type { ClusterTokens, PodClaim, PodDirectory } from "../model/pods.ts";
import { readClaims, type Claims } from "./claims.ts";
import type { IdentityConfig } from "./config.ts";
import type { IdentityVerifier, ShownIdentity } from "./identity-verifier.ts";
import { agentOf } from "./pod-identity.ts";
import { TrustedIssuers, type IssuerSources, type TrustedIssuer } from "./trusted-issuers.ts";

/** A token whose signature, times and audience were checked. */
interface Verified {
  readonly claims: Claims;
  readonly expiresAtMs: number;
  /** A local token is the same agent each time; null for a pod's, which is what its pod is now. */
  readonly agent: VerifiedAgent | null;
}

/** What binds Kubernetes tokens to their pods. */
export interface ClusterIdentity {
  readonly pods: PodDirectory;
  readonly tokens: ClusterTokens;
  readonly holdings: HoldingsBook;
  /** Ask the cluster about each token when it is seen first. */
  readonly tokenReview: boolean;
}

export interface JwtVerifierOptions {
  readonly clock: Clock;
  /** The issuer of this run or service, trusted besides the configured ones. */
  readonly localIssuer?: IssuerSources["local"];
  /** Without it no Kubernetes token is accepted. */
  readonly cluster?: ClusterIdentity;
}

/**
 * Verifies identity tokens: a JWT of a trusted issuer, for our audience, in time, shown by the peer that it is bound to. The signature
 * of a token is checked once and remembered by the token's hash, never past its expiry; expiry and binding are checked every time.
 */
export class JwtVerifier implements IdentityVerifier {
  readonly #config: IdentityConfig;
  readonly #clock: Clock;
  readonly #cluster: ClusterIdentity | undefined;
  readonly #issuers: TrustedIssuers;
  readonly #verified: LRUCache<string, Verified>;

  constructor(config: IdentityConfig, { clock, localIssuer, cluster }: JwtVerifierOptions) {
    this.#config = config;
    this.#clock = clock;
    this.#cluster = cluster;
    this.#issuers = new TrustedIssuers(config, { clock, local: localIssuer, cluster: cluster?.tokens });
    this.#verified = new LRUCache({ max: config.cacheEntries, ttl: config.keysRefreshMs, perf: { now: () => clock.monotonicMs() }, ttlResolution: 0 });
  }

  async verify({ token, container }: ShownIdentity, peer: Peer, signal: AbortSignal): Promise<VerifiedAgent> {
    if (token === "") throw new EgressError("identity.missing", "empty token");
    if (Buffer.byteLength(token) > TOKEN_LIMIT_BYTES) throw new EgressError("identity.malformed", `token larger than ${TOKEN_LIMIT_BYTES} bytes`);
    const { claims, agent, expiresAtMs } = await this.#checkToken(token, signal);
    if (expiresAtMs <= this.#clock.nowMs()) throw new EgressError("identity.expired", "the token has expired");
    if (claims.kind === "pod") return { ...await this.#podAgent(claims.pod, container, peer, signal), expiresAtMs };
    // The file system guards a Unix socket; on TCP a token is worth nothing unless it names the address that shows it.
    if (peer.kind === "tcp" && claims.peerAddress !== peer.address) throw new EgressError("identity.rejected", "the token is not bound to this peer");
    if (container !== null || agent === null) throw new EgressError("identity.rejected", "only a pod has containers with an identity of their own");
    return agent;
  }

  async #checkToken(token: string, signal: AbortSignal): Promise<Verified> {
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(key);
    if (known !== undefined) return known;
    const issuer = await this.#issuers.find(claimedIssuer(token));
    const payload = await this.#checkSignature(token, issuer);
    const claims = readClaims(issuer.kind, payload);
    const expiresAtMs = this.#checkTimes(payload);
    if (claims.kind === "pod") await this.#review(token, issuer.audience, claims.pod, signal);
    const verified = { claims, expiresAtMs, agent: claims.kind === "local" ? { ...claims.agent, expiresAtMs } : null };
    this.#verified.set(key, verified);
    return verified;
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

  /** Once for each token that is seen: a signature does not tell that the service account or the pod is gone. */
  async #review(token: string, audience: string, { uid }: PodClaim, signal: AbortSignal): Promise<void> {
    const { tokens, tokenReview } = this.#requireCluster();
    if (!tokenReview) return;
    let isAccepted: boolean;
    try {
      isAccepted = await tokens.isAccepted(token, audience, uid, signal);
    } catch (cause) {
      throw new EgressError("identity.unavailable", "the cluster cannot be asked about the token", { cause });
    }
    if (!isAccepted) throw new EgressError("identity.rejected", "the cluster no longer accepts the token");
  }

  /** The directory is asked last: nothing but synchronous code runs between its answer and the connection's being known by its instance. */
  async #podAgent(claim: PodClaim, container: string | null, peer: Peer, signal: AbortSignal): Promise<AgentIdentity> {
    if (peer.kind === "unix") throw new EgressError("identity.rejected", "a pod's token does not arrive by a Unix socket");
    const { pods, holdings } = this.#requireCluster();
    const pod = await pods.find(claim, peer.address, signal);
    if (!pod.addresses.includes(peer.address)) throw new EgressError("identity.rejected", "the peer is not the token's pod");
    const agent = agentOf(pod, container);
    if (holdings.of(agent) === null) throw new EgressError("identity.rejected", `agent ${agent.namespace}/${agent.name} is not part of the boundary`);
    return agent;
  }

  #requireCluster(): ClusterIdentity {
    if (this.#cluster === undefined) throw new EgressError("identity.unavailable", "there is no directory of this node's pods");
    return this.#cluster;
  }
}

/** Only chooses the keys: nothing that is read before the signature is checked counts. */
function claimedIssuer(token: string): string {
  try {
    return decodeJwt(token).iss ?? "";
  } catch (error) {
    throw new EgressError("identity.malformed", "the token is not a JWT", { cause: error });
  }
}
