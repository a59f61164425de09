import { chmod, writeFile } from "node:fs/promises";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import { dummyEnvironment } from "../../proxy/credentials/dummies.ts";
import { openLender } from "../../proxy/credentials/lender.ts";
import { ERROR_TABLE, type EgressError } from "../../proxy/errors.ts";
import { toOutbound } from "../../proxy/exchange/inject.ts";
import { readHead } from "../../proxy/exchange/read-head.ts";
import type { RequestHead } from "../../proxy/model/request.ts";
import { aHead, A_BORROWER, CANARY, credentialSettings, someGrants } from "../support/credentials.ts";
import { openVaultStage, type VaultStage } from "../support/vault-stage.ts";
import { startVault, type VaultFault } from "../support/vault-stand-in.ts";

const TOKEN = "s.canary-t0ken-0f-the-pr0xy";
const NEVER = new AbortController().signal;
const GRANT = { credential: { type: "environment", name: "REAL" }, bind: { hosts: ["api.example.test"], paths: ["/v1/**"] }, env: { API_KEY: "auto" } };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Everything that a log, an audit record, an answer or a crash report could be made from. */
function printed(error: unknown): string {
  const { message, stack, cause } = error as Error;
  return [message, stack, String(cause), describeError(error), JSON.stringify(error, Object.getOwnPropertyNames(error)), inspect(error, { depth: 12, showHidden: true })].join("\n");
}

async function stage(fault: VaultFault, vault: Record<string, unknown> = {}): Promise<VaultStage> {
  const server = await startVault({ token: TOKEN });
  server.secrets.set("secret/data/team/github", { data: { token: CANARY }, version: 1 });
  server.fault = fault;
  server.redirectTo = server.address;
  const opened = await openVaultStage({ address: server.address, token: TOKEN, vault: { timeoutMs: 200, ...vault } });
  closers.push(server.close, opened.close);
  return opened;
}

const failureOf = async (promise: Promise<unknown>) => promise.then(() => { throw new Error("it was lent"); }, (error: unknown) => error as EgressError);

function lend(environment: Record<string, string>, over: Partial<RequestHead> = {}, grants: readonly string[] = ["api"]) {
  const lender = openLender({ grants: someGrants({ api: GRANT }), credentials: credentialSettings() }, { environment }, systemClock);
  return lender.lend(grants, A_BORROWER, aHead(over), NEVER);
}

/** Through the very stage that reads a request, so that hop-by-hop fields are treated as they are in life. */
function received(rawHeaders: readonly string[]): RequestHead {
  const raw = { httpVersion: "1.1", method: "GET", target: "/v1/things", authority: null, scheme: null, rawHeaders: ["Host", "api.example.test", ...rawHeaders] } as const;
  const wire = { kind: "tls", serverName: "api.example.test", alpn: [] } as const;
  return readHead(raw, false, { destination: { kind: "name", name: "api.example.test", port: 443 }, scheme: "https", wire }, "refuse");
}

const sent = async (head: RequestHead) => {
  const loan = await lend({ REAL: CANARY }, head);
  return toOutbound(head, loan).headers.map(([name, value]) => [name, typeof value === "string" ? value : value.reveal()]);
};

describe("a secret or a token", () => {
  const FAULTS: readonly VaultFault[] = ["sealed", "forbidden", "missing", "rate-limited", "down", "silent", "drip", "redirect", "huge", "not-json", "wrong-shape", "deleted", "reset", "echo"];
  test.each(FAULTS)("is in nothing that can be printed when Vault is %s", async (fault) => {
    const error = await failureOf((await stage(fault)).lend());
    expect(error.code).toBe("credential.unavailable");
    expect(printed(error)).not.toMatch(new RegExp(`${CANARY}|${TOKEN}`));
  });

  test("is in nothing that can be printed when the secret cannot be a header", async () => {
    const error = await failureOf(lend({ REAL: `${CANARY}\r\nx-evil: 1` }));
    expect(printed(error)).not.toContain(CANARY);
  });

  test("is in nothing that can be printed when the token file is broken or open to others", async () => {
    const vault = await stage("none");
    await writeFile(vault.tokenFile, `${TOKEN}\nsecond line`);
    expect(printed(await failureOf(vault.lend()))).not.toContain(TOKEN);
    await chmod(vault.tokenFile, 0o666);
    expect(printed(await failureOf(vault.lend()))).not.toContain(TOKEN);
  });

  test("is in nothing that can be printed of a loan, a lender or what is sent", async () => {
    const lender = openLender({ grants: someGrants({ api: GRANT }), credentials: credentialSettings() }, { environment: { REAL: CANARY } }, systemClock);
    const loan = await lender.lend(["api"], A_BORROWER, aHead(), NEVER);
    const outbound = toOutbound(aHead(), loan);
    for (const each of [loan, outbound, lender, loan.headers]) {
      expect([JSON.stringify(each), inspect(each, { depth: 12, showHidden: true })].join("\n")).not.toContain(CANARY);
    }
  });

  test("does not go into the dummies", () => {
    expect(Object.values(dummyEnvironment(someGrants({ api: GRANT }))).join()).not.toContain(CANARY);
  });
});

describe("an agent cannot", () => {
  test.each([
    ["authorization", ["Connection", "close, Authorization"]], ["every auth field", ["Connection", "authorization, x-api-key, cookie"]], ["the field twice over", ["Connection", "Authorization", "Connection", "authorization"]],
  ])("take the credential away by naming %s in Connection (C05)", async (_name, rawHeaders) => {
    expect(await sent(received([...rawHeaders, "Authorization", "Bearer mine"]))).toContainEqual(["authorization", `Bearer ${CANARY}`]);
  });

  test("bring an identity of its own beside the lent one", async () => {
    const own = ["Authorization", "Bearer mine", "X-Api-Key", "mine", "Cookie", "session=mine", "Private-Token", "mine", "X-Goog-Api-Key", "mine", "X-Amz-Security-Token", "mine"];
    const headers = await sent(received([...own, "Accept", "text/plain"]));
    expect(headers.map(([, value]) => value).filter((value) => value?.includes("mine"))).toEqual([]);
    expect(headers).toContainEqual(["accept", "text/plain"]);
  });

  test("have two of the lent field sent by writing it in another case", async () => {
    const names = (await sent(received(["AUTHORIZATION", "a", "authorization", "b"]))).map(([name]) => name);
    expect(names.filter((name) => name === "authorization")).toHaveLength(1);
  });

  test("have a dummy or a placeholder replaced where no grant applies (C07)", async () => {
    const dummy = dummyEnvironment(someGrants({ api: GRANT }))["API_KEY"] ?? "";
    const head = received(["Authorization", `Bearer ${dummy}`, "X-Test", "{{secret:api}} {secret}"]);
    const loan = await lend({ REAL: CANARY }, head, []);
    expect(toOutbound(head, loan).headers).toEqual([["authorization", `Bearer ${dummy}`], ["x-test", "{{secret:api}} {secret}"]]);
  });

  test("have a placeholder in its own fields replaced where a grant applies", async () => {
    expect(await sent(received(["X-Test", "{secret}"]))).toContainEqual(["x-test", "{secret}"]);
  });

  test("learn which secrets exist from how a request fails (C13)", async () => {
    const failures = await Promise.all((["missing", "forbidden", "wrong-shape"] as const).map(async (fault) => failureOf((await stage(fault)).lend())));
    failures.push(await failureOf(lend({})), await failureOf(lend({ REAL: CANARY }, {}, ["no-such-grant"])));
    const told = failures.map(({ code, explanation }) => JSON.stringify([code, ERROR_TABLE[code], explanation ?? null]));
    expect(new Set(told).size).toBe(1);
  });

  test("learn whether a secret exists by asking outside of its binding: nothing is fetched", async () => {
    const [there, notThere] = await Promise.all([failureOf(lend({ REAL: CANARY }, { host: "evil.test" })), failureOf(lend({}, { host: "evil.test" }))]);
    expect([there.code, there.message]).toEqual([notThere.code, notThere.message]);
    expect(there.code).toBe("credential.misdirected");
  });
});

describe("a path to a secret (V21)", () => {
  const isAccepted = (path: string, mount = "secret") => {
    try {
      someGrants({ api: { ...GRANT, credential: { type: "vault", path, mount } } });
      return true;
    } catch {
      return false;
    }
  };

  test.each(["../other-team/github", "team/../../sys/raw", "team/./github", "/team", "team/", "team//github", "..", "team\\..\\x", "team\0x", ""])("is refused when it could leave its place: %j", (path) => {
    expect(isAccepted(path)).toBe(false);
    expect(isAccepted("team", path)).toBe(false);
  });

  test.each(["team/{{x}}", "team/{thread}", "team/{agent}-{namespace}", "team/{agent"])("has places for nothing but the agent's own names: %j", (path) => {
    expect([isAccepted(path), isAccepted("team/{agent}")]).toEqual([false, true]);
  });

  test.each([
    ["team/..%2f..%2fsys", "/v1/secret/data/team/..%252f..%252fsys"], ["team/%2e%2e/x", "/v1/secret/data/team/%252e%252e/x"], ["team/a?version=1", "/v1/secret/data/team/a%3Fversion%3D1"],
    ["team/a#b", "/v1/secret/data/team/a%23b"], ["team/a&#x2F;b", "/v1/secret/data/team/a%26%23x2F%3Bb"], ["sys/health", "/v1/secret/data/sys/health"],
  ])("is asked for as it is written, encoded: %s", async (path, url) => {
    const server = await startVault({ token: TOKEN });
    const vault = await openVaultStage({ address: server.address, token: TOKEN, path });
    closers.push(server.close, vault.close);
    expect((await failureOf(vault.lend())).message).toContain("missing");
    expect(server.requests.map((request) => request.url)).toEqual([url]);
  });
});
