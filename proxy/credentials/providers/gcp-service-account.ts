import * as z from "zod";
import type { Clock } from "../../../common/clock.ts";
import { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { keyReference } from "../minting/key-reference.ts";
import { SourceError, valueOf, type Material, type SecretSource } from "../secret-source.ts";
import { signAssertion } from "../minting/signed-assertion.ts";
import { readAnswer, type TokenClient } from "../minting/token-client.ts";
import { endpoint, endpointFields, keyVersionOf, lifetimeUntil, mintedVersion } from "../minting/token-endpoint.ts";

export const gcpServiceAccountReference = z.strictObject({
  type: z.literal("gcp-service-account"),
  key: keyReference.describe("Where the service account's key file (JSON) is."),
  scopes: z.array(z.string().max(256).regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be a scope")).min(1).max(32)
    .describe("All that the token is good for, such as `https://www.googleapis.com/auth/devstorage.read_only`."),
  tokenEndpoint: endpoint.default("https://oauth2.googleapis.com/token").describe("Where the token is got; a key file that names another place is refused."),
  ...endpointFields,
});
export type GcpServiceAccountReference = z.output<typeof gcpServiceAccountReference>;

/** The key file as Google's console writes it; further fields are of no concern. */
const keyFileSchema = z.object({
  type: z.literal("service_account"),
  client_email: z.email(),
  private_key: z.string().min(1),
  private_key_id: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  token_uri: z.string(),
});

const answerSchema = z.object({
  access_token: z.string().min(1).max(8_192).regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().int().positive(),
  token_type: z.string().regex(/^bearer$/i),
});

/** Google takes assertions of at most an hour; ours is used at once. */
const ASSERTION_LIFETIME_S = 600;

/** An access token of a Google Cloud service account, for a JWT signed with its key (RFC 7523). Shared: such tokens cannot be taken back. */
export class GcpServiceAccountSource implements SecretSource {
  readonly describe: string;
  readonly #reference: GcpServiceAccountReference;
  readonly #key: SecretSource;
  readonly #client: TokenClient;
  readonly #clock: Clock;

  constructor(reference: GcpServiceAccountReference, parts: { readonly key: SecretSource; readonly client: TokenClient; readonly clock: Clock }) {
    this.#reference = reference;
    this.#key = parts.key;
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.describe = `gcp-service-account:${parts.key.describe}`;
  }

  /** Whoever may have the key of one instance only must have the token so. */
  get scope(): SecretSource["scope"] {
    return this.#key.scope;
  }

  async fetch(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    const { scopes, tokenEndpoint } = this.#reference;
    const key = await this.#key.fetch(signal, borrower);
    const { account, keyId, privateKey } = this.#readKey(valueOf(key, "value"));
    const assertion = await signAssertion(privateKey, {
      claims: { iss: account, scope: scopes.join(" "), aud: tokenEndpoint }, keyId, lifetimeS: ASSERTION_LIFETIME_S,
    }, this.#clock);
    const url = new URL(tokenEndpoint);
    const askedAtMs = this.#clock.nowMs();
    const text = await this.#client.send({
      method: "POST", url, headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }).toString(),
    }, signal);
    const answer = readAnswer(answerSchema, text, url.host);
    return {
      values: { value: new Secret(answer.access_token) }, version: mintedVersion(key.version),
      lifetimeMs: lifetimeUntil(askedAtMs + answer.expires_in * 1_000, this.#clock), lease: null,
    };
  }

  isCurrent(version: string): boolean {
    return this.#key.isCurrent(keyVersionOf(version));
  }

  #readKey(file: Secret): { readonly account: string; readonly keyId: string; readonly privateKey: Secret } {
    const read = parseKeyFile(file);
    if (read === null) throw new SourceError("malformed", "the key is not a key file of a service account");
    // A key file is somebody's data: it must not choose where what it signs is sent.
    if (read.token_uri !== this.#reference.tokenEndpoint) throw new SourceError("unsafe", "the key file names another tokenEndpoint");
    return { account: read.client_email, keyId: read.private_key_id, privateKey: new Secret(read.private_key) };
  }
}

function parseKeyFile(file: Secret): z.output<typeof keyFileSchema> | null {
  try {
    return keyFileSchema.parse(JSON.parse(file.reveal()));
  } catch {
    return null;
  }
}
