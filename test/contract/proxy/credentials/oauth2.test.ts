import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockFile } from "../../../../common/file-lock.ts";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { oauth2Reference } from "../../../../proxy/credentials/providers/oauth2.ts";
import { type SourceError, valueOf, type SecretSource } from "../../../../proxy/credentials/secret-source.ts";
import type { VaultCall } from "../../../../proxy/credentials/vault/vault-api.ts";
import type { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { A_BORROWER } from "../../../support/credentials.ts";
import { MintStage } from "../../../support/token-servers/mint-stage.ts";
import { REVOCATION_ENDPOINT, startOauth, TOKEN_ENDPOINT, type OauthStandIn } from "../../../support/token-servers/oauth.ts";

const never = new AbortController().signal;
const CLIENT = { clientId: "weir", clientSecret: "s3cret: with % and +", firstRefreshToken: "rt-first" };

describe("tokens of an OAuth 2.0 server", () => {
  let stage: MintStage;
  let server: OauthStandIn;
  beforeEach(async () => {
    stage = await MintStage.open();
    server = await startOauth(CLIENT);
  });
  afterEach(async () => {
    await server.close();
    await stage.close();
  });

  const open = async (over: object = {}): Promise<SecretSource> => PROVIDERS.oauth2(oauth2Reference.parse({
    type: "oauth2", tokenEndpoint: TOKEN_ENDPOINT, clientId: CLIENT.clientId, clientSecret: await stage.put("secret", CLIENT.clientSecret), ...over,
  }), stage.context(server.network));
  const refreshing = async (seed = "rt-first", over: object = {}) => open({ grant: "refresh-token", refreshToken: await stage.put("refresh", seed), ...over });
  const tokenOf = async (source: SecretSource, signal = never) => valueOf(await source.fetch(signal, A_BORROWER), "value").reveal();
  const fault = async (fetching: Promise<unknown>) => fetching.then(() => { throw new Error("a token was given"); }, (error: unknown) => error as SourceError);
  const stateFolder = () => join(stage.stateDirectory, "oauth2");
  const stateFile = async () => join(stateFolder(), (await readdir(stateFolder())).find((name) => name.endsWith(".json")) ?? "none");

  test.each(["basic", "post"])("are given to a client that shows its secret by %s", async (clientAuth) => {
    expect(server.live).toContain(await tokenOf(await open({ clientAuth, scopes: ["read", "write"], audience: "https://api.test" })));
    const form = new URLSearchParams(server.requests[0]?.body);
    expect([form.get("grant_type"), form.get("scope"), form.get("audience")]).toEqual(["client_credentials", "read write", "https://api.test"]);
    expect(form.has("client_secret")).toBe(clientAuth === "post");
  });

  test("are not given for another secret, and nothing of the answer is told", async () => {
    const source = await open();
    await stage.put("secret", "another");
    const error = await fault(source.fetch(never, A_BORROWER));
    expect([error.message, error.cause]).toEqual(["forbidden: login.provider.test answered 401", undefined]);
  });

  test("are each instance's own where they can be taken back, and are taken back", async () => {
    const source = await open({ revocationEndpoint: REVOCATION_ENDPOINT });
    expect([source.scope, (await open()).scope]).toEqual(["instance", "shared"]);
    const material = await source.fetch(never, A_BORROWER);
    await material.lease?.revoke(never);
    expect(server.live.size).toBe(0);
  });

  test("are read, where they can be taken back, though whoever asked has gone away", async () => {
    const source = await open({ revocationEndpoint: REVOCATION_ENDPOINT });
    const caller = new AbortController();
    server.override = () => {
      caller.abort();
      server.override = null;
      return null;
    };
    const material = await source.fetch(caller.signal, A_BORROWER);
    await material.lease?.revoke(never);
    expect(server.live.size).toBe(0);
  });

  test.each([
    ["no token", { token_type: "Bearer" }], ["another kind of token", { access_token: "x", token_type: "mac" }], ["a time that is none", { access_token: "x", token_type: "bearer", expires_in: "soon" }],
    ["two lines", { access_token: "x\r\ny", token_type: "bearer" }], ["something else", "<html>"],
  ])("are refused where the answer has %s", async (_name, body) => {
    server.override = () => ({ status: 200, body });
    expect((await fault(tokenOf(await open()))).fault).toBe("malformed");
  });

  test("without a time to live leave it to the configuration", async () => {
    server.override = () => ({ status: 200, body: { access_token: "x", token_type: "bearer", id_token: "not.a.jwt" } });
    expect((await (await open()).fetch(never, A_BORROWER)).lifetimeMs).toBeNull();
  });

  describe("for a refresh token that rotates", () => {
    test("are got again and again, also after a restart", async () => {
      for (const source of [await refreshing(), await refreshing()]) {
        expect(server.live).toContain(await tokenOf(source));
        expect(server.live).toContain(await tokenOf(source));
      }
      expect(server.state.isFamilyEnded).toBe(false);
    });

    test("are given only when the next refresh token is on the disk, where nobody else reads it", async () => {
      await tokenOf(await refreshing());
      const path = await stateFile();
      expect(await readFile(path, "utf8")).toContain(server.state.refreshToken);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await stat(stateFolder())).mode & 0o777).toBe(0o700);
    });

    test("are not given when the next refresh token cannot be written", async () => {
      const source = await refreshing();
      await writeFile(stage.stateDirectory, "a file where the folder should be");
      expect((await fault(tokenOf(source))).fault).toBe("unsafe");
      expect(server.requests).toEqual([]);
    });

    test("outlive a caller that goes away while the server answers", async () => {
      const source = await refreshing();
      const caller = new AbortController();
      const answered = Promise.withResolvers<void>();
      server.override = async () => {
        caller.abort();
        server.override = null;
        answered.resolve();
        return null;
      };
      await tokenOf(source, caller.signal).catch(() => undefined);
      await answered.promise;
      expect(server.live).toContain(await tokenOf(await refreshing()));
      expect(server.state.isFamilyEnded).toBe(false);
    });

    test("are asked for by one at a time, however many ask", async () => {
      const sources = await Promise.all(Array.from({ length: 8 }, async () => refreshing()));
      const tokens = await Promise.all(sources.map(async (source) => tokenOf(source)));
      expect(new Set(tokens).size).toBe(8);
      expect(server.state.isFamilyEnded).toBe(false);
    });

    test("wait for another process, but no longer than the request that needs them", async () => {
      await tokenOf(await refreshing());
      const unlock = lockFile(`${await stateFile()}.lock`);
      expect((await fault(tokenOf(await refreshing(), AbortSignal.timeout(80)))).fault).toBe("slow");
      unlock?.();
      expect(server.live).toContain(await tokenOf(await refreshing()));
    });

    test("are each agent's own where each has a first token, and so is the one that follows it", async () => {
      const seeds: Readonly<Record<string, string>> = { ada: "rt-first", bob: "rt-of-bob" };
      const vault = {
        scope: "shared",
        call: async ({ segments }: VaultCall) => ({
          tokenId: "t", body: { data: { data: { value: seeds[segments.at(-1) ?? ""] }, metadata: { version: 1, destroyed: false, deletion_time: "" } } },
        }),
      } as unknown as VaultClient;
      const source = PROVIDERS.oauth2(oauth2Reference.parse({
        type: "oauth2", grant: "refresh-token", tokenEndpoint: TOKEN_ENDPOINT, clientId: CLIENT.clientId, clientSecret: await stage.put("secret", CLIENT.clientSecret),
        refreshToken: { type: "vault", path: "agents/{agent}" },
      }), { ...stage.context(server.network), vault: () => vault });
      const of = (name: string) => ({ ...A_BORROWER, agent: { ...A_BORROWER.agent, name } });
      expect(source.scope).toBe("instance");
      await source.fetch(never, of("ada"));
      server.override = () => ({ status: 200, body: { access_token: "of-bob", token_type: "bearer", refresh_token: "rt-next-of-bob" } });
      await source.fetch(never, of("bob"));
      server.override = null;
      expect(valueOf(await source.fetch(never, of("ada")), "value").reveal()).not.toBe("of-bob");
      expect([server.state.isFamilyEnded, (await readdir(stateFolder())).filter((name) => name.endsWith(".json")).length]).toEqual([false, 2]);
    });

    test("begin anew with another first token", async () => {
      await tokenOf(await refreshing());
      expect((await fault(tokenOf(await refreshing("rt-of-another-login")))).fault).toBe("forbidden");
      expect(new URLSearchParams(server.requests.at(-1)?.body).get("refresh_token")).toBe("rt-of-another-login");
    });

    test("are not got by a file that others may read, or that somebody wrote by hand", async () => {
      await tokenOf(await refreshing());
      const path = await stateFile();
      await writeFile(path, "{}");
      expect((await fault(tokenOf(await refreshing()))).fault).toBe("malformed");
    });
  });

  test("for a refresh token that stays are got with the same one", async () => {
    await server.close();
    server = await startOauth({ ...CLIENT, doesRotate: false });
    const source = await refreshing();
    await tokenOf(source);
    expect(server.live).toContain(await tokenOf(source));
  });

  test("need what goes with their grant", () => {
    const problems = (over: object) => oauth2Reference.safeParse({ type: "oauth2", tokenEndpoint: TOKEN_ENDPOINT, clientId: "c", ...over }).error?.issues.map(({ path }) => path.join(".")) ?? [];
    const file = { type: "file", path: "f" };
    expect(problems({ clientSecret: file })).toEqual([]);
    expect(problems({})).toEqual(["clientSecret"]);
    expect(problems({ grant: "refresh-token", refreshToken: file })).toEqual([]);
    expect(problems({ grant: "refresh-token" })).toEqual(["refreshToken"]);
    expect(problems({ clientSecret: file, refreshToken: file })).toEqual(["refreshToken"]);
    expect(problems({ grant: "refresh-token", refreshToken: file, revocationEndpoint: REVOCATION_ENDPOINT })).toEqual(["revocationEndpoint"]);
    expect(problems({ clientSecret: file, tokenEndpoint: "http://login.provider.test/token" })).toEqual(["tokenEndpoint"]);
  });
});
