import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { BundleFolder } from "../../../cli/policy/bundle-folder.ts";
import { openBundleServer } from "../../../cli/policy/bundle-server.ts";
import { Secret } from "../../../common/secret.ts";
import { aFolder } from "../../policy/folders.ts";
import { weir } from "../../support/cli.ts";

/*
 * The commands: cli/policy/keygen.ts, cli/policy/sign.ts, cli/policy/inspect.ts, cli/policy/push.ts, cli/policy/pin.ts, cli/policy/serve.ts.
 */
let directory: string;
const at = (name: string) => join(directory, name);
const policy = (...args: string[]) => weir(["policy", ...args]);
const build = (revision: string, output: string, ...more: string[]) => policy("build", at("policy"), "-o", at(output), "--revision", revision, "--sign", at("release.key"), ...more);

beforeEach(async () => {
  directory = await aFolder({ token: "the-token-of-a-publisher\n", "other-token": "the-token-of-somebody-else\n", short: "secret" });
  await mkdir(at("policy"));
  await mkdir(at("served"));
  await writeFile(at("policy/data.yaml"), "hosts: [{name: api.example.com}]\n");
  expect(await policy("keygen", at("release"))).toMatchObject({ code: 0 });
});

describe("weir policy", () => {
  test("keygen makes a key that only its owner can read, and never replaces one", async () => {
    expect((await stat(at("release.key"))).mode & 0o777).toBe(0o600);
    expect(await readFile(at("release.pub"), "utf8")).toContain("BEGIN PUBLIC KEY");
    expect(await policy("keygen", at("release"))).toMatchObject({ code: 78, err: expect.stringContaining("is there already") });
  });

  test("build signs what inspect then shows and checks", async () => {
    expect(await build("42-npm", "b.tar.gz", "--key-id", "release", "--scope", "prod")).toMatchObject({ code: 0, out: expect.stringContaining("revision 42-npm") });
    const shown = await policy("inspect", at("b.tar.gz"), "--key", at("release.pub"), "--scope", "prod", "-o", "json");
    expect(JSON.parse(shown.out)).toMatchObject({
      revision: "42-npm", signature: { algorithm: "EdDSA", keyId: "release", scope: "prod" }, signer: { keyId: "release" },
      entryPoints: ["weir/connection/decision", "weir/exchange/decision", "weir/name/decision"], files: expect.arrayContaining([{ path: "policy.wasm", bytes: expect.any(Number) }]),
    });
    expect((await policy("inspect", at("b.tar.gz"))).out).toMatch(/signature +EdDSA, key release, scope prod; not checked/);
    await policy("keygen", at("stranger"));
    expect(await policy("inspect", at("b.tar.gz"), "--key", at("stranger.pub"), "--scope", "prod")).toMatchObject({ code: 78, out: "", err: expect.stringContaining("does not hold") });
  });

  test("sign signs a bundle that is built, anew if need be", async () => {
    expect(await policy("build", at("policy"), "-o", at("b.tar.gz"), "--revision", "7")).toMatchObject({ code: 0 });
    expect((await policy("inspect", at("b.tar.gz"))).out).toMatch(/signature +none/);
    expect(await policy("sign", at("b.tar.gz"), "--sign", at("release.key"))).toMatchObject({ code: 0 });
    expect((await policy("inspect", at("b.tar.gz"), "--key", at("release.pub"))).out).toMatch(/signature +EdDSA; holds/);
    expect(await policy("sign", at("b.tar.gz"), "--sign", at("release.pub"))).toMatchObject({ code: 78, err: expect.stringContaining("no private key") });
  });

  test.each([
    [["build", "policy", "-o", "b.tar.gz", "--sign", "release.key"], "needs --revision"],
    [["build", "policy", "-o", "b.tar.gz", "--revision", "v1"], "no revision that has an order"],
    [["build", "policy", "-o", "b.tar.gz", "--scope", "prod"], "parts of a signature"],
    [["push", "policy", "--to", "http://elsewhere.example.com/b.tar.gz"], "no address to publish at"],
    [["push", "policy", "--to", "nowhere"], "there is no folder"],
    [["serve", "nowhere"], "there is no folder"],
    [["serve", "served", "--tls-cert", "release.pub"], "belong together"],
    [["serve", "served", "--push-token-file", "short"], "holds no token"],
  ])("%j is refused", async (args, reason) => {
    const placed = args.map((arg) => (["policy", "release.key", "b.tar.gz", "nowhere", "served", "short"].includes(arg) ? at(arg) : arg));
    const said = await policy(...placed);
    expect(said.code).not.toBe(0);
    expect(said.err).toContain(reason);
  });

  test("push fills a folder, upwards only, and is content if the bundle is there", async () => {
    const push = (revision: string) => policy("push", at("policy"), "--revision", revision, "--sign", at("release.key"), "--to", at("served"));
    expect(await push("2")).toMatchObject({ code: 0, out: expect.stringContaining("published") });
    expect(await push("2")).toMatchObject({ code: 0, out: expect.stringContaining("the same bundle was there") });
    expect(await push("1")).toMatchObject({ code: 78, err: expect.stringContaining("is lower than 2, which is published") });
    await writeFile(at("policy/data.yaml"), "hosts: []\n");
    expect(await push("2")).toMatchObject({ code: 78, err: expect.stringContaining("published with other content") });
    expect(await push("3")).toMatchObject({ code: 0 });
    expect((await policy("inspect", at("served/bundle.tar.gz"))).out).toMatch(/revision +3\n/);
  });

  test("pin says and sets the lowest revision that may come into force", async () => {
    expect((await policy("pin", "--state", at("state"))).out).toBe("no signed bundle was in force yet");
    expect((await policy("pin", "5", "--state", at("state"))).out).toContain("5 (pinned)");
    expect((await policy("pin", "--state", at("state"))).out).toContain("5 (pinned)");
    expect(await policy("pin", "latest", "--state", at("state"))).toMatchObject({ code: 2 });
  });
});

describe("a server of bundles", () => {
  const serve = async (options: { readToken?: string; pushToken?: string | null } = {}) => {
    const { readToken, pushToken = "the-token-of-a-publisher" } = options;
    const server = await openBundleServer({
      host: "127.0.0.1", port: 0, folder: new BundleFolder(at("served")), tls: null, announce: () => undefined,
      readToken: readToken === undefined ? null : new Secret(readToken), pushToken: pushToken === null ? null : new Secret(pushToken),
    });
    onTestFinished(async () => server.close());
    return `${server.url}team.tar.gz`;
  };
  const push = (url: string, revision: string, token = "token") => policy("push", at("policy"), "--revision", revision, "--sign", at("release.key"), "--to", url, "--token-file", at(token));

  test("takes what goes up from whoever has the token, and gives it by its tag", async () => {
    const url = await serve();
    expect(await push(url, "1")).toMatchObject({ code: 0, out: `${url}: published` });
    const first = await fetch(url);
    const etag = first.headers.get("etag") ?? "";
    expect(Buffer.from(await first.arrayBuffer())).toEqual(await readFile(at("served/team.tar.gz")));
    expect(await fetch(url, { headers: { "if-none-match": `"x", ${etag}` } })).toMatchObject({ status: 304 });
    expect((await fetch(url, { method: "HEAD" })).headers.get("etag")).toBe(etag);
    expect(await push(url, "2")).toMatchObject({ code: 0 });
    expect(await fetch(url, { headers: { "if-none-match": etag } })).toMatchObject({ status: 200 });
    expect(await push(url, "1")).toMatchObject({ code: 1, err: expect.stringContaining("answered 409: cannot publish the bundle: its revision 1 is lower than 2") });
    expect(await push(url, "3", "other-token")).toMatchObject({ code: 1, err: expect.stringContaining("answered 401") });
  });

  test("replaces only what the publisher saw", async () => {
    const url = await serve();
    await push(url, "1");
    const put = (headers: Record<string, string>) => fetch(url, { method: "PUT", body: "x", headers: { authorization: "Bearer the-token-of-a-publisher", ...headers } });
    expect(await put({})).toMatchObject({ status: 428 });
    expect(await put({ "if-match": '"older"' })).toMatchObject({ status: 412 });
    expect(await put({ "if-none-match": "*" })).toMatchObject({ status: 412 });
    expect(await put({ "if-match": "*" })).toMatchObject({ status: 409 });
  });

  test("gives and takes nothing without the token that it asks for, and only bundles of its folder", async () => {
    const url = await serve({ readToken: "the-token-of-a-reader", pushToken: null });
    await writeFile(at("served/team.tar.gz"), "x");
    expect(await fetch(url)).toMatchObject({ status: 401 });
    expect(await fetch(url, { headers: { authorization: "Bearer the-token-of-a-reader" } })).toMatchObject({ status: 200 });
    expect(await fetch(url, { method: "PUT", body: "x" })).toMatchObject({ status: 403 });
    expect(await fetch(url, { method: "DELETE" })).toMatchObject({ status: 405 });
    for (const path of ["/", "token", ".publish.lock", "..%2ftoken", "a/b.tar.gz", "..tar.gz", ".tar.gz"]) {
      expect(await fetch(new URL(path, url), { headers: { authorization: "Bearer the-token-of-a-reader" } })).toMatchObject({ status: 404 });
    }
  });

  test("takes no more than a bundle may be", async () => {
    const url = await serve();
    const put = fetch(url, { method: "PUT", body: Buffer.alloc((32 << 20) + 1), headers: { authorization: "Bearer the-token-of-a-publisher", "if-none-match": "*" } });
    expect(await put.then(({ status }) => status, () => "cut off")).toSatisfy((end) => end === 413 || end === "cut off");
    expect(await fetch(url)).toMatchObject({ status: 404 });
  });
});
