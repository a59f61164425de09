import { readFileSync } from "node:fs";
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type FetchImplementation, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { Agent, fetch } from "undici";
import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import { AccessUnavailable, type Person } from "./access.ts";
import { unauthenticated, type BearerToken } from "./bearer-token.ts";
import type { AccessConfig, OidcIssuerConfig } from "./config.ts";

const DOCUMENT_LIMIT_BYTES = 512 << 10;
const CLOCK_TOLERANCE_SECONDS = 30;
const GROUPS_LIMIT = 200;

/** OpenID Connect Discovery 1.0 §3, as far as it is used. */
const discovery = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https$/ }) });
const name = z.string().min(1).max(253);
const groups = z.union([name.transform((one) => [one]), z.array(name).max(GROUPS_LIMIT)]);

/** Checks tokens of the configured issuers by their published keys, which are fetched when first needed and again when a key is unknown. */
export class OidcIssuers {
  readonly #issuers: ReadonlyMap<string, OidcIssuer>;

  constructor(config: AccessConfig, clock: Clock) {
    this.#issuers = new Map(config.oidc.map((issuer) => [issuer.issuer, new OidcIssuer(issuer, config.reviewTimeoutMs, clock)]));
  }

  /** The issuer that a token says it is from; undefined if none of ours. */
  of(token: BearerToken): OidcIssuer | undefined {
    return token.claimedIssuer === null ? undefined : this.#issuers.get(token.claimedIssuer);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#issuers.values()].map(async (issuer) => issuer.close()));
  }
}

export class OidcIssuer {
  readonly #config: OidcIssuerConfig;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #agent: Agent;
  #keys: Promise<JWTVerifyGetKey> | null = null;

  constructor(config: OidcIssuerConfig, timeoutMs: number, clock: Clock) {
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#agent = new Agent({ connect: config.caFile === undefined ? {} : { ca: readFileSync(config.caFile, "utf8") } });
  }

  /** @throws AccessRefused if the token does not hold, AccessUnavailable if the issuer's keys cannot be had */
  async person(token: BearerToken): Promise<Person> {
    const payload = await this.#verify(token, await this.#loadedKeys());
    const user = name.safeParse(payload[this.#config.usernameClaim]);
    if (!user.success) throw unauthenticated("authentication.claims", `the token has no claim ${this.#config.usernameClaim} that is a name`);
    // An address that nobody has confirmed is anybody's (OpenID Connect Core 1.0 §5.7).
    if (this.#config.usernameClaim === "email" && payload["email_verified"] !== true) {
      throw unauthenticated("authentication.claims", "the token's email is not verified");
    }
    return { kind: "person", name: this.#config.usernamePrefix + user.data, groups: ["system:authenticated", ...this.#groups(payload)], isOfKubernetes: false };
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  #groups(payload: JWTPayload): readonly string[] {
    const claim = this.#config.groupsClaim === undefined ? undefined : payload[this.#config.groupsClaim];
    if (claim === undefined) return [];
    const parsed = groups.safeParse(claim);
    if (!parsed.success) throw unauthenticated("authentication.claims", "the token's groups are not a list of names");
    return parsed.data.map((group) => this.#config.groupsPrefix + group);
  }

  async #verify(token: BearerToken, keys: JWTVerifyGetKey): Promise<JWTPayload> {
    const { issuer, audience, algorithms } = this.#config;
    const options = {
      issuer, audience, algorithms: [...algorithms], requiredClaims: ["exp", "iat"],
      clockTolerance: CLOCK_TOLERANCE_SECONDS, currentDate: new Date(this.#clock.nowMs()),
    };
    try {
      return (await jwtVerify(token.text, keys, options)).payload;
    } catch (cause) {
      const isOurs = cause instanceof errors.JWKSTimeout || cause instanceof errors.JWKSInvalid
        || !(cause instanceof errors.JOSEError) || cause.code === "ERR_JOSE_GENERIC";
      if (isOurs) throw new AccessUnavailable(`the keys of ${issuer} cannot be had`, { cause });
      throw unauthenticated("authentication.rejected", `the token does not hold: ${cause.code}`, cause);
    }
  }

  #loadedKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover().catch((cause: unknown) => {
      this.#keys = null;
      throw new AccessUnavailable(`the issuer ${this.#config.issuer} cannot be reached`, { cause });
    });
    return this.#keys;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const url = `${this.#config.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const document = discovery.parse(JSON.parse(await this.#get(url, AbortSignal.timeout(this.#timeoutMs))));
    if (document.issuer !== this.#config.issuer) throw new Error(`the issuer calls itself ${document.issuer}`);
    const fetchKeys: FetchImplementation = async (location, options) => new Response(await this.#get(location, options.signal));
    return createRemoteJWKSet(new URL(document.jwks_uri), { timeoutDuration: this.#timeoutMs, [customFetch]: fetchKeys });
  }

  /** No redirects: a document from elsewhere is not the issuer's. */
  async #get(url: string, signal: AbortSignal): Promise<string> {
    const response = await fetch(url, { dispatcher: this.#agent, redirect: "error", signal, headers: { accept: "application/json" } });
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > DOCUMENT_LIMIT_BYTES) throw new Error(`${url} is larger than ${DOCUMENT_LIMIT_BYTES} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}
