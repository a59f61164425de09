import { randomBytes } from "node:crypto";
import type { TestAuthority } from "../tls-authority.ts";
import { formOf, startTokenServer, type TokenServer, type TokenServerAnswer, type TokenServerRequest } from "./token-server.ts";

export const OAUTH = "login.provider.test";
export const TOKEN_ENDPOINT = `https://${OAUTH}/oauth/token`;
export const REVOCATION_ENDPOINT = `https://${OAUTH}/oauth/revoke`;

/** An OAuth 2.0 server of one client. */
export interface OauthStandIn extends TokenServer {
  /** The next access token; without one each is random. */
  nextToken: string | null;
  /** Access tokens that are good now. */
  readonly live: ReadonlySet<string>;
  readonly state: {
    /** Whether the family of refresh tokens was ended because one was used twice. */
    readonly isFamilyEnded: boolean;
    /** The one refresh token that is good now. */
    readonly refreshToken: string;
  };
}

interface Registered {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly firstRefreshToken: string;
  readonly doesRotate?: boolean;
}

/** Client credentials, refresh tokens that rotate (a second use of one ends the family, RFC 9700 §4.14.2), revocation (RFC 7009). */
export async function startOauth(registered: Registered, authority?: TestAuthority): Promise<OauthStandIn> {
  const live = new Set<string>();
  const state = { isFamilyEnded: false, refreshToken: registered.firstRefreshToken };
  const issue = (more: object): TokenServerAnswer => {
    const token = standIn.nextToken ?? `at-${randomBytes(16).toString("hex")}`;
    live.add(token);
    return { status: 200, headers: { "cache-control": "no-store" }, body: { access_token: token, token_type: "Bearer", expires_in: 3_600, ...more } };
  };
  const refresh = (shown: string): TokenServerAnswer => {
    if (state.isFamilyEnded || shown !== state.refreshToken) {
      state.isFamilyEnded = true;
      live.clear();
      return { status: 400, body: { error: "invalid_grant" } };
    }
    if (registered.doesRotate === false) return issue({});
    state.refreshToken = `rt-${randomBytes(16).toString("hex")}`;
    return issue({ refresh_token: state.refreshToken });
  };
  const standIn = Object.assign(await startTokenServer([OAUTH], (request) => {
    const form = formOf(request);
    if (form === null) return { status: 404, body: { error: "not found" } };
    if (!isClientItself(request, form, registered)) return { status: 401, body: { error: "invalid_client" } };
    if (request.path === "/oauth/revoke") {
      live.delete(form.get("token") ?? "");
      return { status: 200, body: "" };
    }
    if (request.path !== "/oauth/token") return { status: 404, body: { error: "not found" } };
    if (form.get("grant_type") === "client_credentials") return issue({ scope: form.get("scope") ?? "default" });
    if (form.get("grant_type") === "refresh_token") return refresh(form.get("refresh_token") ?? "");
    return { status: 400, body: { error: "unsupported_grant_type" } };
  }, authority), { nextToken: null as string | null, live, state });
  return standIn;
}

/** In the header or in the body, never in both (RFC 6749 §2.3). */
function isClientItself({ headers }: TokenServerRequest, form: URLSearchParams, { clientId, clientSecret }: Registered): boolean {
  const inBody = form.has("client_secret");
  if (headers.authorization !== undefined) {
    const [name = "", secret = ""] = Buffer.from(headers.authorization.replace(/^Basic /, ""), "base64").toString().split(":").map((part) => decodeURIComponent(part.replaceAll("+", " ")));
    return !inBody && name === clientId && secret === clientSecret;
  }
  return inBody && form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
}
