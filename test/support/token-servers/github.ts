import { createPublicKey, randomBytes } from "node:crypto";
import { jwtVerify } from "jose";
import type { TestAuthority } from "../tls-authority.ts";
import { startTokenServer, type TokenServer, type TokenServerAnswer, type TokenServerRequest } from "./token-server.ts";

export const GITHUB = "api.github.com";
const LEVELS = ["read", "write", "admin"];

/** An App of GitHub, as its API knows it. */
export interface GithubStandIn extends TokenServer {
  /** The next token; without one each is random. */
  nextToken: string | null;
  /** Laid over the next answers: what a server says that gives more than it was asked. */
  widened: Readonly<Record<string, unknown>>;
  /** Tokens that are good now. */
  readonly live: ReadonlySet<string>;
}

interface App {
  readonly clientId: string;
  readonly installationId: number;
  readonly publicKeyPem: string;
  readonly repositories: readonly string[];
  readonly permissions: Readonly<Record<string, string>>;
}

/**
 * The two calls of installations' tokens, as strict as GitHub: the assertion is verified, may be good for ten minutes at most, and the token is for
 * no more than the installation has.
 */
export async function startGithub(app: App, authority?: TestAuthority): Promise<GithubStandIn> {
  const live = new Set<string>();
  const give = async (request: TokenServerRequest): Promise<TokenServerAnswer> => {
    if (!await isAppItself(request, app)) return { status: 401, body: { message: "A JSON web token could not be decoded" } };
    const asked = JSON.parse(request.body) as { readonly repositories: readonly string[]; readonly permissions: Readonly<Record<string, string>> };
    if (!asked.repositories.every((name) => app.repositories.includes(name))) return { status: 422, body: { message: "There is at least one repository that does not exist" } };
    const isWider = Object.entries(asked.permissions).some(([name, level]) => LEVELS.indexOf(level) > LEVELS.indexOf(app.permissions[name] ?? ""));
    if (isWider) return { status: 422, body: { message: "The permissions requested are not granted to this installation." } };
    const token = server.nextToken ?? `ghs_${randomBytes(18).toString("hex")}`;
    live.add(token);
    return {
      status: 201, body: {
        token, expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: { metadata: "read", ...asked.permissions },
        repository_selection: "selected", repositories: asked.repositories.map((name, index) => ({ id: index, name, full_name: `acme/${name}` })), ...server.widened,
      },
    };
  };
  const end = ({ headers }: TokenServerRequest): TokenServerAnswer =>
    (live.delete(headers.authorization?.replace(/^(Bearer|token) /i, "") ?? "") ? { status: 204 } : { status: 401, body: { message: "Bad credentials" } });
  const server: GithubStandIn = Object.assign(await startTokenServer([GITHUB], async (request) => {
    if (request.method === "POST" && request.path === `/app/installations/${app.installationId}/access_tokens`) return give(request);
    if (request.method === "DELETE" && request.path === "/installation/token") return end(request);
    return { status: 404, body: { message: "Not Found" } };
  }, authority), { nextToken: null, widened: {}, live });
  return server;
}

/** https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
async function isAppItself({ headers }: TokenServerRequest, { clientId, publicKeyPem }: App): Promise<boolean> {
  try {
    const { payload } = await jwtVerify(headers.authorization?.replace(/^Bearer /i, "") ?? "", createPublicKey(publicKeyPem), {
      algorithms: ["RS256"], issuer: clientId, requiredClaims: ["iat", "exp"],
    });
    const nowS = Math.floor(Date.now() / 1_000);
    return (payload.exp ?? 0) <= nowS + 600 && (payload.iat ?? 0) <= nowS && (payload.exp ?? 0) - (payload.iat ?? 0) <= 600;
  } catch {
    return false;
  }
}
