import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import type { EgressError } from "../../../../proxy/errors.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { CANARY } from "../../../support/credentials.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { openVaultStage, type VaultStage } from "../../../support/vault-stage.ts";

const environment = readEnvironment();
/** `verify:cluster` brings the server and fails without it; `verify` uses one that is there. */
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);

describe.skipIf(bao === null)("a real OpenBao (npm run verify:cluster brings one)", () => {
  let server: OpenBaoServer;
  let vault: VaultStage;
  beforeAll(async () => {
    server = await startOpenBao(bao ?? "");
    const policy = 'path "secret/data/team/*" { capabilities = ["read"] }';
    await server.call("PUT", "sys/policies/acl/weir", { policy });
    vault = await openVaultStage({ address: server.address, token: await issueToken() });
  });
  beforeEach(async () => { await server.call("POST", "secret/data/team/github", { data: { token: CANARY } }); });
  afterAll(async () => {
    await vault?.close();
    await server?.close();
  });

  const issueToken = async (): Promise<string> => {
    const { auth } = await server.call("POST", "auth/token/create", { policies: ["weir"], no_default_policy: true, ttl: "10m" });
    return (auth as { client_token: string }).client_token;
  };
  const failure = async () => vault.lend().then(() => { throw new Error("it was lent"); }, (error: unknown) => error as EgressError);
  const version = (reference: string | undefined) => Number(reference?.split("#")[1]);

  test("lends the secret, and each new version under its number", async () => {
    const before = await vault.lend();
    await server.call("POST", "secret/data/team/github", { data: { token: "rotated-secret" } });
    const after = await vault.lend();
    expect([before.headers[0]?.[1].reveal(), after.headers[0]?.[1].reveal()]).toEqual([`Bearer ${CANARY}`, "Bearer rotated-secret"]);
    expect(version(after.references[0])).toBe(version(before.references[0]) + 1);
  });

  test("lends nothing after the secret was deleted, and the cause is on record", async () => {
    await server.call("DELETE", "secret/data/team/github");
    expect((await failure()).message).toContain("missing: Vault answered 404");
  });

  test("lends nothing after the token was revoked, and again with the next token", async () => {
    const token = await issueToken();
    await writeFile(vault.tokenFile, token);
    expect((await vault.lend()).headers).toHaveLength(1);
    await server.call("POST", "auth/token/revoke", { token });
    expect((await failure()).message).toContain("forbidden: Vault answered 403");
    await writeFile(vault.tokenFile, await issueToken());
    expect((await vault.lend()).headers).toHaveLength(1);
  });

  test("lends nothing while it is sealed", async () => {
    const other = await startOpenBao(bao ?? "");
    const sealed = await openVaultStage({ address: other.address, token: other.rootToken });
    try {
      await other.call("POST", "secret/data/team/github", { data: { token: CANARY } });
      expect((await sealed.lend()).headers).toHaveLength(1);
      await other.call("PUT", "sys/seal");
      await expect(sealed.lend()).rejects.toMatchObject({ code: "credential.unavailable", message: expect.stringContaining("sealed: Vault answered 503") as unknown });
    } finally {
      await sealed.close();
      await other.close();
    }
  });
});
