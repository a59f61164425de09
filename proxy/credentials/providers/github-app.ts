import * as z from "zod";
import type { Clock } from "../../../common/clock.ts";
import { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { keyReference } from "../minting/key-reference.ts";
import { SourceError, valueOf, type Lease, type Material, type SecretSource } from "../secret-source.ts";
import { signAssertion } from "../minting/signed-assertion.ts";
import { readAnswer, type TokenClient } from "../minting/token-client.ts";
import { endpoint, endpointFields, keyVersionOf, lifetimeUntil, mintedVersion } from "../minting/token-endpoint.ts";

const LEVELS = ["read", "write", "admin"] as const;
type Level = (typeof LEVELS)[number];

export const githubAppReference = z.strictObject({
  type: z.literal("github-app"),
  clientId: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, "must be a client id or a numeric id").describe("Client id of the GitHub App, or its numeric id."),
  installationId: z.number().int().positive().describe("Number of the installation."),
  key: keyReference.describe("Where the App's private key is, PEM."),
  repositories: z.array(z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, "must be the name of a repository, without its owner")).min(1).max(500)
    .describe("Names of the only repositories that the token is good for."),
  permissions: z.record(z.string().regex(/^[a-z_]{1,64}$/, "must be a permission of GitHub, such as contents"), z.enum(LEVELS))
    .refine((permissions) => Object.keys(permissions).length > 0, "must name one at least").describe("All that the token may do, such as `{contents: read}`."),
  apiUrl: endpoint.default("https://api.github.com").describe("The API; of an Enterprise Server `https://HOST/api/v3`."),
  ...endpointFields,
});
export type GithubAppReference = z.output<typeof githubAppReference>;

/** What is needed to end a token, whatever else the answer is. */
const tokenSchema = z.object({ token: z.string().min(1).max(4_096).regex(/^[\x21-\x7e]+$/) });
/** `POST /app/installations/{id}/access_tokens`. GitHub adds fields from time to time; what is used is exact. */
const answerSchema = tokenSchema.extend({
  expires_at: z.iso.datetime({ offset: true }),
  permissions: z.record(z.string(), z.enum(LEVELS)),
  repository_selection: z.literal("selected"),
  repositories: z.array(z.object({ name: z.string() })),
});

/** An assertion may not be good for more than ten minutes, the minute before now included. */
const ASSERTION_LIFETIME_S = 9 * 60;
/** Not ended by whoever waits, but by the client's own deadline: a token that was made must be read to be taken back. */
const UNCUT = new AbortController().signal;
const API_HEADERS = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28", "user-agent": "weir" };

/**
 * An installation's token of a GitHub App, narrowed to the repositories and permissions of the grant; each instance has its own, which ends with
 * it. The request is ours: `@octokit/auth-app` would give two instances that ask at once one and the same token, and the end of one would end
 * the other's.
 */
export class GithubAppSource implements SecretSource {
  readonly describe: string;
  readonly scope = "instance";
  readonly #reference: GithubAppReference;
  readonly #key: SecretSource;
  readonly #client: TokenClient;
  readonly #clock: Clock;

  constructor(reference: GithubAppReference, parts: { readonly key: SecretSource; readonly client: TokenClient; readonly clock: Clock }) {
    this.#reference = reference;
    this.#key = parts.key;
    this.#client = parts.client;
    this.#clock = parts.clock;
    this.describe = `github-app:${reference.clientId}/${reference.installationId}`;
  }

  async fetch(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    const { clientId, installationId, repositories, permissions } = this.#reference;
    const key = await this.#key.fetch(signal, borrower);
    const assertion = await signAssertion(valueOf(key, "value"), { claims: { iss: clientId }, lifetimeS: ASSERTION_LIFETIME_S }, this.#clock);
    const text = await this.#client.send({
      method: "POST", url: this.#url(`/app/installations/${installationId}/access_tokens`),
      headers: { ...API_HEADERS, "content-type": "application/json", authorization: `Bearer ${assertion}` }, body: JSON.stringify({ repositories, permissions }),
    }, UNCUT);
    const token = new Secret(readAnswer(tokenSchema, text, this.#url("").host).token);
    const version = mintedVersion(key.version);
    try {
      return { values: { value: token }, version, lifetimeMs: this.#judge(text), lease: this.#lease(token, version) };
    } catch (error) {
      await this.#revoke(token, UNCUT).catch(() => { /* what was refused matters more */ });
      throw error;
    }
  }

  /** @returns how long the token may be used @throws SourceError if it is not what was asked for */
  #judge(text: string): number {
    const answer = readAnswer(answerSchema, text, this.#url("").host);
    const excess = excessOf(this.#reference, answer);
    if (excess !== null) throw new SourceError("unsafe", `${this.describe} gave more than was asked for: ${excess}`);
    return lifetimeUntil(Date.parse(answer.expires_at), this.#clock);
  }

  isCurrent(version: string): boolean {
    return this.#key.isCurrent(keyVersionOf(version));
  }

  #lease(token: Secret, version: string): Lease {
    return {
      id: version, isRenewable: false,
      renew: async () => { throw new SourceError("forbidden", "tokens of installations are not renewed"); },
      revoke: async (signal) => this.#revoke(token, signal),
    };
  }

  /** `DELETE /installation/token`; a token that GitHub does not know any more is as good as revoked. */
  async #revoke(token: Secret, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.send({
        method: "DELETE", url: this.#url("/installation/token"), headers: { ...API_HEADERS, authorization: `Bearer ${token.reveal()}` }, body: null,
      }, signal);
    } catch (error) {
      if (!(error instanceof SourceError) || !["forbidden", "missing"].includes(error.fault)) throw error;
    }
  }

  #url(path: string): URL {
    return new URL(`${this.#reference.apiUrl.replace(/\/$/, "")}${path}`);
  }
}

/** What the token is good for beyond the grant, in our words; null if nothing. Every token may read metadata. */
function excessOf({ repositories, permissions }: GithubAppReference, given: z.output<typeof answerSchema>): string | null {
  const asked = new Set(repositories.map((name) => name.toLowerCase()));
  if (given.repositories.some(({ name }) => !asked.has(name.toLowerCase()))) return "another repository";
  const rank = (level: Level | undefined) => (level === undefined ? -1 : LEVELS.indexOf(level));
  const allowed: Readonly<Record<string, Level>> = { metadata: "read", ...permissions };
  const isWider = Object.entries(given.permissions).some(([name, level]) => rank(level) > rank(Object.hasOwn(allowed, name) ? allowed[name] : undefined));
  return isWider ? "another permission" : null;
}
