import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EgressError } from "../../../../proxy/errors.ts";
import { CANARY } from "../../../support/credentials.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { openVaultStage, type VaultStage, type VaultStageOptions } from "../../../support/vault-stage.ts";
import { startVault, type VaultFault, type VaultStandIn } from "../../../support/vault-stand-in.ts";

const TOKEN = "s.t0ken-0f-the-pr0xy";

let server: VaultStandIn;
const closers: (() => Promise<void>)[] = [];
beforeEach(async () => {
  server = await startVault({ token: TOKEN });
  server.secrets.set("secret/data/team/github", { data: { token: CANARY }, version: 7 });
  closers.push(server.close);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function stage(over: Partial<VaultStageOptions> = {}): Promise<VaultStage> {
  const opened = await openVaultStage({ address: server.address, token: TOKEN, ...over });
  closers.push(opened.close);
  return opened;
}

const failure = async (vault: VaultStage) => vault.lend().then(() => { throw new Error("it was lent"); }, (error: unknown) => error as EgressError);

describe("a secret of Vault", () => {
  test("is lent with its version on record", async () => {
    const loan = await (await stage()).lend();
    expect(loan.headers[0]?.[1].reveal()).toBe(`Bearer ${CANARY}`);
    expect(loan.references).toEqual(["github@vault:secret/team/github#7"]);
  });

  test("is asked for at its exact path, with the token and nothing else of ours", async () => {
    await (await stage()).lend();
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /v1/secret/data/team/github"]);
    expect(server.requests[0]?.headers["x-vault-namespace"]).toBeUndefined();
  });

  test("is asked for in its namespace if there is one", async () => {
    const named = await startVault({ token: TOKEN, namespace: "team-a" });
    closers.push(named.close);
    named.secrets.set("secret/data/team/github", { data: { token: CANARY }, version: 1 });
    expect((await (await stage({ address: named.address, vault: { namespace: "team-a" } })).lend()).headers).toHaveLength(1);
  });

  test("is asked for with the token that the file holds now", async () => {
    const vault = await stage({ token: "s.old" });
    expect((await failure(vault)).message).toContain("forbidden");
    await writeFile(vault.tokenFile, TOKEN);
    expect((await vault.lend()).headers).toHaveLength(1);
  });

  const FAULTS: readonly (readonly [VaultFault, string])[] = [
    ["sealed", "sealed: Vault answered 503"], ["forbidden", "forbidden: Vault answered 403"], ["missing", "missing: Vault answered 404"],
    ["rate-limited", "rate-limited: Vault answered 429"], ["down", "down: Vault answered 500"], ["redirect", "redirected: Vault answered 307"],
    ["huge", "oversized: Vault's answer is larger than 262144 bytes"], ["not-json", "malformed: Vault's answer is not JSON"],
    ["wrong-shape", "malformed: vault:secret/team/github is not a KV version 2 secret"], ["deleted", "malformed: vault:secret/team/github is not a KV version 2 secret"],
    ["reset", "unreachable: Vault cannot be reached"], ["echo", "malformed: Vault answered 400"],
  ];
  test.each(FAULTS)("is not lent while Vault is %s, the cause is on record, and it heals", async (fault, cause) => {
    const vault = await stage();
    server.redirectTo = server.address;
    server.fault = fault;
    const error = await failure(vault);
    expect(error.code).toBe("credential.unavailable");
    expect(error.message).toContain(`grant github, vault:secret/team/github: ${cause}`);
    server.fault = "none";
    expect((await vault.lend()).headers[0]?.[1].reveal()).toBe(`Bearer ${CANARY}`);
  });

  test.each(["silent", "drip"] as const)("is given up after the time for one request when Vault is %s", async (fault) => {
    server.fault = fault;
    const error = await failure(await stage({ vault: { timeoutMs: 150 } }));
    expect(error.message).toContain("slow: Vault did not answer within 150 ms");
  });

  test("is not lent while nobody listens", async () => {
    const vault = await stage();
    await server.close();
    closers.shift();
    expect((await failure(vault)).message).toContain("unreachable: Vault cannot be reached (ECONNREFUSED)");
  });

  test("is not asked for at another place: the token does not follow a redirect", async () => {
    const elsewhere = await startVault({ token: TOKEN });
    closers.push(elsewhere.close);
    server.fault = "redirect";
    server.redirectTo = elsewhere.address;
    await failure(await stage());
    expect(elsewhere.requests).toEqual([]);
  });

  test("is not lent when the field is missing", async () => {
    server.secrets.set("secret/data/team/github", { data: { other: CANARY }, version: 1 });
    expect((await failure(await stage())).message).toContain("missing: vault:secret/team/github has no field token");
  });

  test.each([["a number", 7], ["an object", { a: 1 }], ["nothing", ""], ["null", null]])("is not lent when the field holds %s", async (_name, token) => {
    server.secrets.set("secret/data/team/github", { data: { token }, version: 1 });
    expect((await failure(await stage())).message).toContain("malformed");
  });

  test("is tried again within one request while the fault may pass", async () => {
    const vault = await stage({ credentials: { attempts: 3, attemptDelayMs: 50 } });
    server.fault = "sealed";
    const lent = vault.lend();
    while (server.requests.length === 0) await new Promise(setImmediate);
    server.fault = "none";
    expect((await lent).headers).toHaveLength(1);
  });

  test("is fetched once for a thousand requests that wait", async () => {
    const vault = await stage({ credentials: { cacheTtlMs: 60_000 } });
    const loans = await Promise.all(Array.from({ length: 1_000 }, async () => vault.lend()));
    expect([loans.length, server.requests.length]).toEqual([1_000, 1]);
  });

  test("is not asked for with a token file that others can read", async () => {
    const vault = await stage();
    await chmod(vault.tokenFile, 0o644);
    expect((await failure(vault)).message).toContain("unsafe");
    expect(server.requests).toEqual([]);
  });
});

describe("a Vault behind TLS", () => {
  async function secured(names: readonly string[], caPem?: string): Promise<{ vault: VaultStage; server: VaultStandIn }> {
    const authority = await mintAuthority();
    const behindTls = await startVault({ token: TOKEN }, await authority.leaf(names));
    behindTls.secrets.set("secret/data/team/github", { data: { token: CANARY }, version: 1 });
    const caFile = join(tmpdir(), `weir-vault-ca-${process.pid}.pem`);
    await writeFile(caFile, caPem ?? authority.caPem);
    closers.push(behindTls.close, async () => rm(caFile));
    return { vault: await stage({ address: behindTls.address, vault: { caFile } }), server: behindTls };
  }

  test("is used when its certificate is for its name and from its CA", async () => {
    expect((await (await secured(["127.0.0.1"])).vault.lend()).headers).toHaveLength(1);
  });

  test("is not sent the token when its certificate is for another name", async () => {
    const { vault, server: wrong } = await secured(["vault.example.test"]);
    expect((await failure(vault)).message).toContain("untrusted: Vault's certificate is not accepted (ERR_TLS_CERT_ALTNAME_INVALID)");
    expect(wrong.requests).toEqual([]);
  });

  test("is not sent the token when its certificate is from another CA", async () => {
    const { vault, server: wrong } = await secured(["127.0.0.1"], (await mintAuthority("Another CA")).caPem);
    expect((await failure(vault)).message).toContain("untrusted");
    expect(wrong.requests).toEqual([]);
  });
});
