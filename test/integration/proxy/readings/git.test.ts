import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startConnectRelay, type ConnectRelay } from "../../../support/connect-relay.ts";
import { commit, git, startGitServer, type GitServer } from "../../../support/git-server.ts";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { exchangesOf } from "../../../support/whole-proxy.ts";

const HOST = "git.code.test";
const REPOSITORY = `https://${HOST}/org/name.git`;

let server: GitServer;
let stand: Stand;
let relay: ConnectRelay;
let folder: string;

const start = async (entry: Record<string, unknown>) => {
  const authority = await mintAuthority();
  server = await startGitServer(await authority.leaf([HOST]));
  stand = await startStand({ authority, policyData: { hosts: [{ name: HOST, rule: "git.org", ...entry }] }, routes: [{ name: HOST, port: 443, dialPort: server.port }] });
  relay = await startConnectRelay(stand);
};
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-checkout-")); });
afterEach(async () => {
  await relay.close();
  await stand.stop();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = async (...args: string[]) => git(args, folder, [`http.proxy=${relay.url}`, `http.sslCAInfo=${relay.caFile}`, "user.name=Test", "user.email=test@example.com"]);
const checkout = () => join(folder, "name");
const cloneAndCommit = async () => {
  expect(await run("clone", "--quiet", REPOSITORY, checkout())).toMatchObject({ code: 0 });
  await commit(checkout(), "second");
};

describe("the real git through the boundary", () => {
  test("clones and fetches where reading is allowed", async () => {
    await start({ git: { access: "read", repositories: ["org/*"] } });
    await cloneAndCommit();
    expect(readFileSync(join(checkout(), "file.txt"), "utf8")).toBe("second\n");
    expect(await run("-C", checkout(), "fetch", "--quiet")).toMatchObject({ code: 0 });
  });

  test("is told by rule and reason why it may not push, and nothing of the push leaves", async () => {
    await start({ git: { access: "read" } });
    await cloneAndCommit();
    const before = server.requests.length;
    const { code, said } = await run("-C", checkout(), "push", "origin", "HEAD:main");
    expect(code).not.toBe(0);
    expect(said).toMatch(/remote: .*\(policy\.denied, rule .+, request .+\)/);
    expect(said).toMatch(/returned error: 403/);
    expect([server.requests.length, await server.head()]).toEqual([before, "first"]);
    expect(exchangesOf(stand.records, "closed").at(-1)).toMatchObject({ outcome: "denied", error: { code: "policy.denied" } });
  });

  test("pushes where writing is allowed, more than fits into one piece", async () => {
    await start({ git: { access: "write", repositories: ["org/name"] } });
    await cloneAndCommit();
    expect(await run("-C", checkout(), "-c", "http.postBuffer=1000", "push", "--quiet", "origin", "HEAD:main")).toMatchObject({ code: 0 });
    expect(await server.head()).toBe("second");
  });

  test("reaches no repository that is not named", async () => {
    await start({ git: { access: "write", repositories: ["org/other"] } });
    const { code, said } = await run("clone", REPOSITORY, checkout());
    expect([code, server.requests]).toEqual([128, []]);
    expect(said).toContain("remote: ");
  });
});
