import { createPrivateKey, X509Certificate } from "node:crypto";
import { decodeJwt } from "jose";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { valueOf, type Material } from "../../../../proxy/credentials/secret-source.ts";
import type { VaultClient } from "../../../../proxy/credentials/vault/vault-client.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";
import { borrowerNamed, openVaultLab, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);
const signal = AbortSignal.timeout(300_000);
const ADA = borrowerNamed("ada");

describe.skipIf(bao === null)("an engine of a real OpenBao (npm run verify:cluster brings one)", () => {
  let server: OpenBaoServer;
  let lab: VaultLab;
  let client: VaultClient;
  beforeAll(async () => {
    server = await startOpenBao(bao ?? "");
    lab = await openVaultLab(server);
    await lab.policy("proxy", {
      "secret/data/*": ["read"], "database/creds/reader-*": ["read"], "database/static-creds/*": ["read"], "identity/oidc/token/agents": ["read"],
      "pki/sign/agents": ["update"], "pki/sign/leased": ["update"], "sys/leases/revoke": ["update"],
    });
    client = lab.client(await lab.appRole("proxy", ["proxy"]));
  });
  afterAll(async () => {
    await lab?.close();
    await server?.close();
  });

  const fetch = async (reference: Readonly<Record<string, unknown>>, borrower = ADA, asked = client): Promise<Material> => lab.source(reference, asked).fetch(signal, borrower);
  const texts = (material: Material) => Object.fromEntries(Object.entries(material.values).map(([name, value]) => [name, value.reveal()]));

  describe("KV version 2", () => {
    beforeAll(async () => {
      await server.call("POST", "secret/data/s3", { data: { id: "AK1", key: "old" } });
      await server.call("POST", "secret/data/s3", { data: { id: "AK1", key: "new" } });
    });

    test("gives several fields by the names of an injection, the latest version or the one that was asked for", async () => {
      const reference = { type: "vault", path: "s3", fields: { accessKeyId: "id", secretAccessKey: "key" } };
      expect(texts(await fetch(reference))).toEqual({ accessKeyId: "AK1", secretAccessKey: "new" });
      const first = await fetch({ ...reference, version: 1 });
      expect([texts(first), first.version]).toEqual([{ accessKeyId: "AK1", secretAccessKey: "old" }, "1"]);
    });

    test("gives nothing in a version that is not there, or was destroyed", async () => {
      await expect(fetch({ type: "vault", path: "s3", field: "key", version: 9 })).rejects.toMatchObject({ fault: "missing" });
      await server.call("PUT", "secret/destroy/s3", { versions: [1] });
      await expect(fetch({ type: "vault", path: "s3", field: "key", version: 1 })).rejects.toMatchObject({ fault: "missing" });
    });
  });

  describe.skipIf(!isRequired && !hasPostgres())("of databases", () => {
    let postgres: PostgresServer;
    let admin: Client;
    beforeAll(async () => {
      postgres = await startPostgres();
      const url = new URL(postgres.url);
      admin = new Client({ connectionString: postgres.url });
      await admin.connect();
      await admin.query("CREATE ROLE vault SUPERUSER LOGIN PASSWORD 'x'; CREATE ROLE fixed LOGIN PASSWORD 'x'");
      await server.call("POST", "sys/mounts/database", { type: "database" });
      await server.call("POST", "database/config/main", {
        plugin_name: "postgresql-database-plugin", allowed_roles: "*", connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${url.port}/postgres?sslmode=disable`, username: "vault", password: "x",
      });
      await server.call("POST", "database/roles/reader-ada", {
        db_name: "main", default_ttl: "30s", max_ttl: "1h", creation_statements: ["CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"],
      });
      await server.call("POST", "database/static-roles/fixed", { db_name: "main", username: "fixed", rotation_period: "1h" });
    });
    afterAll(async () => {
      await admin?.end();
      await postgres?.close();
    });
    const users = async (name: string) => (await admin.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [name])).rowCount;

    test("makes a user whose lease can be renewed, and is gone when it is taken back", async () => {
      const material = await fetch({ type: "vault-database", role: "reader-{agent}" });
      const { username = "" } = texts(material);
      expect([await users(username), material.lifetimeMs, material.lease?.isRenewable, material.lease?.reclaim?.kind]).toEqual([1, 30_000, true, "vault-lease"]);
      expect(await material.lease?.renew(signal)).toBe(30_000);
      await material.lease?.revoke(signal);
      expect(await users(username)).toBe(0);
      await material.lease?.revoke(signal);
      await expect(material.lease?.renew(signal)).rejects.toMatchObject({ fault: "missing" });
    });

    test("makes another user for each fetch, and its secret is of no use once the token is gone", async () => {
      const own = lab.client(await lab.appRole("short", ["proxy"]));
      const source = lab.source({ type: "vault-database", role: "reader-ada" }, own);
      const [one, other] = [await source.fetch(signal, ADA), await source.fetch(signal, ADA)];
      expect(texts(one)["username"]).not.toBe(texts(other)["username"]);
      expect([source.scope, source.isCurrent(one.version)]).toEqual(["instance", true]);
      await own.close();
      expect(source.isCurrent(one.version)).toBe(false);
      // The server takes back what was leased with a token after it has answered.
      await expect.poll(async () => [await users(texts(one)["username"] ?? ""), await users(texts(other)["username"] ?? "")], { timeout: 10_000 }).toEqual([0, 0]);
    });

    test("makes no user of another agent's role, nor of one that is not there", async () => {
      await expect(fetch({ type: "vault-database", role: "reader-{agent}" }, borrowerNamed("bob"))).rejects.toMatchObject({ name: "SourceError" });
      await expect(fetch({ type: "vault-database", role: "writer" })).rejects.toMatchObject({ fault: "forbidden" });
    });

    test("gives a static user until its password is changed", async () => {
      const material = await fetch({ type: "vault-database", role: "fixed", static: true });
      const { username, password } = texts(material);
      expect([username, material.lease]).toEqual(["fixed", null]);
      expect(password).toMatch(/^.{12,}$/);
      expect(material.lifetimeMs).toBeGreaterThan(3_000_000);
      expect(material.lifetimeMs).toBeLessThanOrEqual(3_600_000);
      await server.call("POST", "database/rotate-role/fixed");
      const next = await fetch({ type: "vault-database", role: "fixed", static: true });
      expect([texts(next)["password"] === password, next.version === material.version]).toEqual([false, false]);
    });
  });

  describe("of identity tokens", () => {
    beforeAll(async () => {
      await server.call("POST", "identity/oidc/key/agents", { allowed_client_ids: ["*"], algorithm: "ES256" });
      await server.call("POST", "identity/oidc/role/agents", { key: "agents", client_id: "billing", ttl: "10m" });
    });

    test("gives a JWT for its audience, for no longer than it is valid", async () => {
      const material = await fetch({ type: "vault-identity-token", role: "agents" });
      const { aud, exp = 0, iat = 0 } = decodeJwt(valueOf(material, "value").reveal());
      expect([aud, exp - iat, material.lifetimeMs, material.lease]).toEqual(["billing", 600, 540_000, null]);
    });

    test("gives none of a role that the policy does not name", async () => {
      await expect(fetch({ type: "vault-identity-token", role: "admins" })).rejects.toMatchObject({ fault: "forbidden" });
    });
  });

  describe("of certificates", () => {
    beforeAll(async () => {
      await server.call("POST", "sys/mounts/pki", { type: "pki" });
      await server.call("POST", "pki/root/generate/internal", { common_name: "Root of the test", key_type: "ec", ttl: "720h" });
      const role = { allowed_domains: ["agents.example.test"], allow_subdomains: true, key_type: "ec", max_ttl: "1h", ttl: "10m", client_flag: true, server_flag: false };
      await server.call("POST", "pki/roles/agents", role);
      await server.call("POST", "pki/roles/leased", { ...role, generate_lease: true });
    });
    const reference = { type: "vault-pki", role: "agents", commonName: "{agent}.agents.example.test" };

    test("gives a client certificate in the agent's name, with a key that the engine never saw", async () => {
      const material = await fetch(reference);
      const { certificate = "", privateKey = "" } = texts(material);
      const leaf = new X509Certificate(certificate);
      expect([leaf.subject, leaf.checkPrivateKey(createPrivateKey(privateKey)), leaf.keyUsage]).toEqual(["CN=ada.agents.example.test", true, ["1.3.6.1.5.5.7.3.2"]]);
      expect(certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(material.lifetimeMs).toBeGreaterThan(500_000);
      expect(material.lifetimeMs).toBeLessThanOrEqual(567_000);
    });

    test("gives another key to each fetch", async () => {
      const [one, other] = [texts(await fetch(reference)), texts(await fetch(reference))];
      expect(one["privateKey"]).not.toBe(other["privateKey"]);
    });

    test("revokes it with its lease where the role leases", async () => {
      const material = await fetch({ ...reference, role: "leased" });
      const serial = new X509Certificate(texts(material)["certificate"] ?? "").serialNumber.toLowerCase().match(/../g)?.join(":") ?? "";
      await material.lease?.revoke(signal);
      const { data } = await server.call("GET", `pki/cert/${serial}`) as { data: { revocation_time: number } };
      expect(data.revocation_time).toBeGreaterThan(0);
    });

    test.each([["of a name outside the role's", { commonName: "{agent}.other.example.test" }], ["of a role that is not there", { role: "other" }]])("gives none %s", async (_what, over) => {
      await expect(fetch({ ...reference, ...over })).rejects.toMatchObject({ name: "SourceError", isPassing: false });
    });
  });
});
