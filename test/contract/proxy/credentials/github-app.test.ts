import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PROVIDERS } from "../../../../proxy/credentials/providers.ts";
import { githubAppReference } from "../../../../proxy/credentials/providers/github-app.ts";
import { type SourceError, valueOf, type Material } from "../../../../proxy/credentials/secret-source.ts";
import { A_BORROWER } from "../../../support/credentials.ts";
import { startGithub, type GithubStandIn } from "../../../support/token-servers/github.ts";
import { MintStage, rsaPair } from "../../../support/token-servers/mint-stage.ts";
import { TestClock } from "../../../support/test-clock.ts";

const pair = rsaPair();
const another = rsaPair();
const never = new AbortController().signal;

describe("tokens of a GitHub App's installation", () => {
  let stage: MintStage;
  let server: GithubStandIn;
  beforeEach(async () => {
    stage = await MintStage.open();
    server = await startGithub({
      clientId: "Iv1.app", installationId: 7, publicKeyPem: pair.publicPem, repositories: ["weir", "dam", "secret"], permissions: { contents: "write", issues: "write" },
    });
  });
  afterEach(async () => {
    await server.close();
    await stage.close();
  });

  const open = async (over: object = {}, keyPem = pair.pkcs1, clock?: TestClock) => PROVIDERS["github-app"](githubAppReference.parse({
    type: "github-app", clientId: "Iv1.app", installationId: 7, key: await stage.put("key", keyPem), repositories: ["weir"], permissions: { contents: "read" }, ...over,
  }), stage.context(server.network, clock === undefined ? {} : { clock }));
  const fetch = async (over: object = {}, keyPem?: string): Promise<Material> => (await open(over, keyPem)).fetch(never, A_BORROWER);
  const fault = async (fetching: Promise<unknown>) => fetching.then(() => { throw new Error("a token was given"); }, (error: unknown) => error as SourceError);

  test("are asked for with no more repositories and permissions than the grant has", async () => {
    await fetch({ repositories: ["weir", "dam"], permissions: { contents: "read", issues: "write" } });
    expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({ repositories: ["weir", "dam"], permissions: { contents: "read", issues: "write" } });
  });

  test("are used until five minutes before their end", async () => {
    const { lifetimeMs } = await fetch();
    expect(lifetimeMs).toBeGreaterThan(54 * 60_000);
    expect(lifetimeMs).toBeLessThanOrEqual(55 * 60_000);
  });

  test("belong to one instance each, and end at GitHub when they are given back", async () => {
    const source = await open();
    expect(source.scope).toBe("instance");
    const [mine, theirs] = await Promise.all([source.fetch(never, A_BORROWER), source.fetch(never, A_BORROWER)]);
    expect(server.live.size).toBe(2);
    await mine.lease?.revoke(never);
    expect([...server.live]).toEqual([valueOf(theirs, "value").reveal()]);
    await expect(mine.lease?.revoke(never)).resolves.toBeUndefined();
  });

  test.each([
    ["another key", {}, another.pkcs1],
    ["another App", { clientId: "Iv1.other" }, pair.pkcs1],
  ])("are not given for %s", async (_name, over, key) => {
    expect((await fault(fetch(over, key))).fault).toBe("forbidden");
  });

  test("are not given while our clock is an hour ahead, and the error says no word of GitHub's", async () => {
    const clock = new TestClock();
    clock.jump(Date.now() + 3_600_000 - clock.nowMs());
    const error = await fault((await open({}, pair.pkcs1, clock)).fetch(never, A_BORROWER));
    expect(error.message).toBe("forbidden: api.github.com answered 401");
  });

  test("are not given for another installation, or for what the installation does not have", async () => {
    expect((await fault(fetch({ installationId: 8 }))).fault).toBe("missing");
    expect((await fault(fetch({ repositories: ["elsewhere"] }))).fault).toBe("forbidden");
  });

  test.each([
    ["another repository", { repositories: [{ name: "weir" }, { name: "secret" }] }, "unsafe"],
    ["every repository", { repository_selection: "all" }, "malformed"],
    ["a higher level", { permissions: { contents: "write" } }, "unsafe"],
    ["another permission", { permissions: { contents: "read", administration: "read" } }, "unsafe"],
    ["no list of repositories", { repositories: undefined }, "malformed"],
    ["an end that is over", { expires_at: "2020-01-01T00:00:00Z" }, "malformed"],
  ])("are refused where GitHub's answer gives %s", async (_name, widened, expected) => {
    server.widened = widened;
    expect((await fault(fetch())).fault).toBe(expected);
  });

  test.each([
    ["they give more", { permissions: { contents: "admin" } }], ["their end is over", { expires_at: "2020-01-01T00:00:00Z" }], ["they are for all repositories", { repository_selection: "all" }],
  ])("that are refused because %s are taken back", async (_why, widened) => {
    server.widened = widened;
    await fault(fetch());
    expect([server.requests.length, server.live.size]).toEqual([2, 0]);
  });

  test("are not asked for while GitHub wants to be left alone", async () => {
    server.override = () => ({ status: 403, headers: { "retry-after": "17" }, body: { message: "secondary rate limit" } });
    const error = await fault(fetch());
    expect([error.fault, error.retryAfterMs]).toEqual(["rate-limited", 17_000]);
    server.override = () => ({ status: 403, headers: { "x-ratelimit-remaining": "0" } });
    expect((await fault(fetch())).fault).toBe("rate-limited");
    server.override = () => ({ status: 403 });
    expect((await fault(fetch())).fault).toBe("forbidden");
  });

  test("are no longer current once the App's key has changed", async () => {
    const source = await open();
    const { version } = await source.fetch(never, A_BORROWER);
    expect(source.isCurrent(version)).toBe(true);
    await stage.put("key", another.pkcs8);
    expect(source.isCurrent(version)).toBe(false);
  });

  test.each([["no key at all", "hello"], ["a short key", rsaPair(1_024).pkcs8]])("need an RSA key: %s is refused without being quoted", async (_name, key) => {
    const error = await fault(fetch({}, key));
    expect(error.fault).toBe("malformed");
    expect(error.message).not.toContain(key);
    expect(server.requests).toEqual([]);
  });

  test("are for named repositories and permissions only", () => {
    const whole = { type: "github-app", clientId: "a", installationId: 1, key: { type: "file", path: "k" }, repositories: ["weir"], permissions: { contents: "read" } };
    expect(githubAppReference.safeParse(whole).success).toBe(true);
    for (const over of [{ repositories: [] }, { permissions: {} }, { permissions: { contents: "all" } }, { repositories: ["acme/weir"] }, { apiUrl: "http://api.github.com" }, { apiUrl: "https://u:p@api.github.com" }]) {
      expect(githubAppReference.safeParse({ ...whole, ...over }).success).toBe(false);
    }
  });
});
