import * as oauth from "oauth4webapi";
import * as z from "zod";
import type { Clock } from "../../../common/clock.ts";
import { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { keyReference } from "../minting/key-reference.ts";
import type { RefreshTokenFile } from "../minting/refresh-token-file.ts";
import { SourceError, valueOf, type Lease, type Material, type SecretSource } from "../secret-source.ts";
import { readAnswer, type TokenClient } from "../minting/token-client.ts";
import { endpoint, endpointFields, keyVersionOf, lifetimeUntil, mintedVersion } from "../minting/token-endpoint.ts";

const printable = (limit: number) => z.string().min(1).max(limit).regex(/^[\x20-\x7e]+$/, "must be printable ASCII");

export const oauth2Reference = z.strictObject({
  type: z.literal("oauth2"),
  grant: z.enum(["client-credentials", "refresh-token"]).default("client-credentials").describe("What the client shows for a token (RFC 6749 §4.4, §6)."),
  tokenEndpoint: endpoint.describe("Where the token is got."),
  clientId: printable(256).describe("The client that the server knows."),
  clientSecret: keyReference.optional().describe("Where the client's secret is; left out for a public client."),
  clientAuth: z.enum(["basic", "post"]).default("basic").describe("How the secret is shown: `basic` in a header, `post` in the body (RFC 6749 §2.3.1)."),
  refreshToken: keyReference.optional()
    .describe("With `grant: refresh-token`: where the first refresh token is. Those that the server gives in its place are kept in the state directory; another one here begins anew."),
  scopes: z.array(z.string().max(256).regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be a scope")).max(64).default([]).describe("What the token is asked to be good for; the server's default if empty."),
  audience: printable(1_024).optional().describe("Sent as `audience`, to servers that want it."),
  revocationEndpoint: endpoint.optional().describe("With `grant: client-credentials`: where tokens are taken back (RFC 7009); then each instance has its own, which ends with it."),
  ...endpointFields,
}).refine(({ grant, refreshToken }) => (grant === "refresh-token") === (refreshToken !== undefined), {
  error: "goes with `grant: refresh-token`, and with no other", path: ["refreshToken"],
}).refine(({ grant, revocationEndpoint }) => grant === "client-credentials" || revocationEndpoint === undefined, {
  error: "with a refresh token, revoking one token may end the whole family", path: ["revocationEndpoint"],
}).refine(({ clientSecret, grant }) => clientSecret !== undefined || grant === "refresh-token", { error: "is what the client shows", path: ["clientSecret"] });
export type Oauth2Reference = z.output<typeof oauth2Reference>;

/** Not ended by whoever waits, but by the client's own deadline: what can be taken back must be read. */
const UNCUT = new AbortController().signal;

const token = z.string().min(1).max(16_384).regex(/^[\x21-\x7e]+$/);
/** RFC 6749 §5.1. What else the server says, an ID token for instance, is for nobody here. */
const answerSchema = z.object({
  access_token: token, token_type: z.string().regex(/^bearer$/i), expires_in: z.number().int().positive().optional(), refresh_token: token.optional(),
});

/** Where the first refresh token is, and where those are kept that follow it. */
export interface Rotation {
  readonly seed: SecretSource;
  /** @param seed the first token: where each agent has one, each has a file */
  readonly fileOf: (seed: Secret) => RefreshTokenFile;
}

export interface Oauth2Parts {
  readonly clientSecret: SecretSource | null;
  readonly client: TokenClient;
  readonly clock: Clock;
  /** For `grant: refresh-token`. */
  readonly rotation: Rotation | null;
}

/** An access token of an OAuth 2.0 server. A refresh token that the server replaces is on the disk before the access token is used. */
export class Oauth2Source implements SecretSource {
  readonly describe: string;
  readonly scope: SecretSource["scope"];
  readonly #reference: Oauth2Reference;
  readonly #parts: Oauth2Parts;
  readonly #server: oauth.AuthorizationServer;
  readonly #oauthClient: oauth.Client;

  constructor(reference: Oauth2Reference, parts: Oauth2Parts) {
    const { tokenEndpoint, revocationEndpoint, clientId } = reference;
    this.#reference = reference;
    this.#parts = parts;
    const revocation = revocationEndpoint === undefined ? {} : { revocation_endpoint: revocationEndpoint };
    this.#server = { issuer: new URL(tokenEndpoint).origin, token_endpoint: tokenEndpoint, ...revocation };
    this.#oauthClient = { client_id: clientId };
    this.describe = `oauth2:${new URL(tokenEndpoint).host}/${clientId}`;
    const keys = [parts.clientSecret, parts.rotation?.seed];
    this.scope = revocationEndpoint !== undefined || keys.some((key) => key?.scope === "instance") ? "instance" : "shared";
  }

  async fetch(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    const { clientSecret, rotation } = this.#parts;
    const secret = clientSecret === null ? null : await clientSecret.fetch(signal, borrower);
    const auth = this.#authentication(secret === null ? null : valueOf(secret, "value"));
    const askedAtMs = this.#parts.clock.nowMs();
    const answer = rotation === null
      ? await this.#clientCredentials(auth, this.#reference.revocationEndpoint === undefined ? signal : UNCUT)
      : await this.#refresh(auth, valueOf(await rotation.seed.fetch(signal, borrower), "value"), rotation, signal);
    const value = new Secret(answer.access_token);
    const version = mintedVersion(secret?.version ?? "");
    const { expires_in: seconds } = answer;
    return {
      values: { value }, version, lifetimeMs: seconds === undefined ? null : lifetimeUntil(askedAtMs + seconds * 1_000, this.#parts.clock),
      lease: this.#reference.revocationEndpoint === undefined ? null : this.#lease(value, auth, version),
    };
  }

  isCurrent(version: string): boolean {
    return this.#parts.clientSecret?.isCurrent(keyVersionOf(version)) ?? true;
  }

  #authentication(secret: Secret | null): oauth.ClientAuth {
    if (secret === null) return oauth.None();
    return this.#reference.clientAuth === "basic" ? oauth.ClientSecretBasic(secret.reveal()) : oauth.ClientSecretPost(secret.reveal());
  }

  async #clientCredentials(auth: oauth.ClientAuth, signal: AbortSignal): Promise<oauth.TokenEndpointResponse> {
    return inOurWords(async () => {
      const answer = await oauth.clientCredentialsGrantRequest(this.#server, this.#oauthClient, auth, this.#parameters(), this.#options(signal));
      return oauth.processClientCredentialsResponse(this.#server, this.#oauthClient, answer);
    });
  }

  async #refresh(auth: oauth.ClientAuth, first: Secret, { fileOf }: Rotation, signal: AbortSignal): Promise<oauth.TokenEndpointResponse> {
    const file = fileOf(first);
    return file.exclusively(signal, async () => {
      const current = await file.read(first);
      // Not ended by the signal, but by the client's own deadline: once the server has read it, its answer is the only way on.
      const answer = await inOurWords(async () => {
        const options = { ...this.#options(UNCUT), additionalParameters: this.#parameters() };
        const response = await oauth.refreshTokenGrantRequest(this.#server, this.#oauthClient, auth, current.reveal(), options);
        return oauth.processRefreshTokenResponse(this.#server, this.#oauthClient, response);
      });
      if (answer.refresh_token !== undefined && answer.refresh_token !== current.reveal()) await file.write(first, new Secret(answer.refresh_token));
      return answer;
    });
  }

  #lease(value: Secret, auth: oauth.ClientAuth, version: string): Lease {
    return {
      id: version, isRenewable: false,
      renew: async () => { throw new SourceError("forbidden", "access tokens are not renewed"); },
      revoke: async (signal) => inOurWords(async () => {
        await oauth.processRevocationResponse(await oauth.revocationRequest(this.#server, this.#oauthClient, auth, value.reveal(), this.#options(signal)));
      }),
    };
  }

  #parameters(): URLSearchParams {
    const { scopes, audience } = this.#reference;
    return new URLSearchParams({ ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }), ...(audience === undefined ? {} : { audience }) });
  }

  /** The library writes the request and reads the answer; how it travels, and what is read at all, is ours. */
  #options(signal: AbortSignal): oauth.HttpRequestOptions<"POST", URLSearchParams> {
    return {
      signal,
      [oauth.customFetch]: async (address, { headers, body }) => {
        const url = new URL(address);
        const text = await this.#parts.client.send({ method: "POST", url, headers, body: body.toString() }, signal);
        if (address === this.#reference.revocationEndpoint) return new Response(null, { status: 200 });
        return Response.json(readAnswer(answerSchema, text, url.host));
      },
    };
  }
}

/** What the library throws may quote the answer. */
async function inOurWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof SourceError ? error : new SourceError("malformed", "the answer is not one that gives a token");
  }
}
