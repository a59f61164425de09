import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { GITHUB, startGithub } from "../../../support/token-servers/github.ts";
import { MintStage, rsaPair } from "../../../support/token-servers/mint-stage.ts";
import { OAUTH, startOauth, TOKEN_ENDPOINT } from "../../../support/token-servers/oauth.ts";
import { auditText } from "../../../support/whole-proxy.ts";

const pair = rsaPair();

describe("a request through the whole proxy", () => {
  let files: MintStage;
  let authority: TestAuthority;
  const stands: Stand[] = [];
  beforeEach(async () => {
    files = await MintStage.open();
    authority = await mintAuthority();
  });
  afterEach(async () => {
    for (const stand of stands.splice(0)) await stand.stop();
    await files.close();
  });

  const start = async (host: string, port: number, grant: object, directory?: string) => {
    const stand = await startStand({
      authority, policyData: { hosts: [{ name: host, grants: ["own"] }] }, routes: [{ name: host, port: 443, dialPort: port }], config: { grants: { own: grant } },
      ...(directory === undefined ? {} : { directory }),
    });
    stands.push(stand);
    return stand;
  };
  const stop = async (stand: Stand) => {
    stands.splice(stands.indexOf(stand), 1);
    await stand.stop(true);
  };

  test("carries a token of the GitHub App that the agent never sees, and that ends with the proxy", async () => {
    const server = await startGithub({ clientId: "Iv1.app", installationId: 7, publicKeyPem: pair.publicPem, repositories: ["weir"], permissions: { contents: "read" } }, authority);
    server.override = ({ path, headers }) => {
      if (!path.startsWith("/repos/")) return null;
      const token = headers.authorization?.replace("Bearer ", "") ?? "";
      return { status: server.live.has(token) ? 200 : 401, body: { seen: headers.authorization } };
    };
    const credential = { type: "github-app", clientId: "Iv1.app", installationId: 7, key: await files.put("app.pem", pair.pkcs1), repositories: ["weir"], permissions: { contents: "read" } };
    const stand = await start(GITHUB, server.port, { use: "github", credential });
    const [one, other] = await Promise.all([stand.ask("GET", `https://${GITHUB}/repos/acme/weir`), stand.ask("GET", `https://${GITHUB}/repos/acme/weir`, { headers: { authorization: "Bearer mine" } })]);
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(server.live.size).toBe(1);
    const [token = ""] = server.live;
    expect(one.body + other.body).not.toContain(token);
    expect(auditText(stand)).not.toContain(token);
    await stop(stand);
    expect(server.live.size).toBe(0);
    await server.close();
  });

  test("is not sent while the token endpoint gives no token, and is once it does", async () => {
    const server = await startOauth({ clientId: "weir", clientSecret: "s3cret", firstRefreshToken: "unused" }, authority);
    const credential = { type: "oauth2", tokenEndpoint: TOKEN_ENDPOINT, clientId: "weir", clientSecret: await files.put("secret", "wrong") };
    const stand = await start(OAUTH, server.port, { credential, bind: { hosts: [OAUTH], paths: ["/api/**"] } });
    const refused = await stand.ask("GET", `https://${OAUTH}/api/me`);
    expect([refused.status, JSON.parse(refused.body).error]).toEqual([503, "credential.unavailable"]);
    expect(refused.body).not.toContain(OAUTH);
    expect(server.requests.map(({ path }) => path)).not.toContain("/api/me");
    await files.put("secret", "s3cret");
    server.override = ({ path, headers }) => (path === "/api/me" ? { status: server.live.has(headers.authorization?.replace("Bearer ", "") ?? "") ? 200 : 401, body: {} } : null);
    await expect.poll(async () => (await stand.ask("GET", `https://${OAUTH}/api/me`)).status, { timeout: 10_000 }).toBe(200);
    await stop(stand);
    await server.close();
  });

  test("goes on with the refresh token of the run before", async () => {
    const server = await startOauth({ clientId: "weir", clientSecret: "s3cret", firstRefreshToken: "rt-first" }, authority);
    server.override = ({ path, headers }) => (path === "/api/me" ? { status: server.live.has(headers.authorization?.replace("Bearer ", "") ?? "") ? 200 : 401, body: {} } : null);
    const credential = {
      type: "oauth2", grant: "refresh-token", tokenEndpoint: TOKEN_ENDPOINT, clientId: "weir", clientSecret: await files.put("secret", "s3cret"), refreshToken: await files.put("refresh", "rt-first"),
    };
    let directory: string | undefined;
    for (let run = 1; run <= 2; run += 1) {
      const stand = await start(OAUTH, server.port, { credential, bind: { hosts: [OAUTH], paths: ["/api/**"] } }, directory);
      expect((await stand.ask("GET", `https://${OAUTH}/api/me`)).status).toBe(200);
      ({ directory } = stand);
      if (run === 1) await stop(stand);
    }
    expect(server.state.isFamilyEnded).toBe(false);
    expect(server.requests.filter(({ body }) => body.includes("refresh_token=rt-first"))).toHaveLength(1);
    await server.close();
  });
});
