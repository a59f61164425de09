import { createPublicKey, X509Certificate, type JsonWebKeyInput } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { IDENTITY_CLAIM } from "../../../../common/identity.ts";
import { verifyAudit } from "../../../../proxy/audit/verify.ts";
import { openLocalIssuer } from "../../../../proxy/identity/local-issuer.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { verifyByPython } from "../../../support/audit-room.ts";
import { CANARY } from "../../../support/credentials.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { startRawUpstream, type RawUpstream } from "../../../support/raw-upstream.ts";
import { startStand, type Stand } from "../../../support/running-proxy.ts";
import { mintAuthority, type PemPair, type TestAuthority } from "../../../support/tls-authority.ts";
import { openVaultLab, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const bao = environment["WEIR_TIER"] === "cluster" ? await obtainOpenBao(environment) : await findOpenBao(environment);
const HOST = "api.example.test";
const LEDGER = "ledger.example.test";

/** A destination that speaks with holders of a certificate of this CA alone, and tells them their name. */
async function startLedger({ certPem, keyPem }: PemPair, clientCaPem: string): Promise<Server> {
  const server = createServer({ cert: certPem, key: keyPem, requestCert: true, rejectUnauthorized: true, ca: clientCaPem }, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe.skipIf(bao === null)("a proxy that leaves its secrets to a real OpenBao (npm run verify:cluster brings one)", () => {
  const directory = mkdtempSync(join(tmpdir(), "weir-vault-proxy-"));
  let server: OpenBaoServer;
  let lab: VaultLab;
  let upstream: RawUpstream;
  let authority: TestAuthority;
  let rootPem: string;
  let ledger: Server;
  beforeAll(async () => {
    server = await startOpenBao(bao ?? "");
    lab = await openVaultLab(server);
    authority = await mintAuthority();
    upstream = await startRawUpstream(await authority.leaf([HOST]), (_request, socket) => { socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"); });
    await server.call("POST", "sys/mounts/transit", { type: "transit" });
    await server.call("POST", "transit/keys/audit", { type: "ed25519" });
    await server.call("POST", "sys/mounts/pki", { type: "pki" });
    await server.call("POST", "sys/mounts/pki/tune", { max_lease_ttl: "8760h" });
    const { data } = await server.call("POST", "pki/root/generate/internal", { common_name: "Root of the test", key_type: "ec", ttl: "8760h" }) as { data: { certificate: string } };
    rootPem = data.certificate.trim();
    await server.call("POST", "pki/roles/agents", { allowed_domains: ["agents.example.test"], allow_subdomains: true, key_type: "ec", client_flag: true, server_flag: false, ttl: "1h" });
    ledger = await startLedger(await authority.leaf([LEDGER]), rootPem);
    await letAgentsIn();
    await server.call("POST", "identity/oidc/key/agents", { allowed_client_ids: ["*"], algorithm: "ES256" });
    await server.call("POST", "identity/oidc/role/agents", { key: "agents", client_id: "ledger", ttl: "10m", template: '{"agent": {{identity.entity.aliases.' + await accessorOfLogins() + ".name}}}" });
    await lab.policy("proxy", { "transit/keys/audit": ["read"], "transit/sign/audit": ["update"], "pki/root/sign-intermediate": ["update"] });
    await lab.policy("unsigned", { "transit/keys/audit": ["read"], "transit/sign/audit": ["update"] });
  });
  afterAll(async () => {
    await lab?.close();
    ledger?.close();
    ledger?.closeAllConnections();
    await upstream?.close();
    await server?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function accessorOfLogins(): Promise<string> {
    const { data } = await server.call("GET", "sys/auth") as { data: Record<string, { accessor: string }> };
    return data["jwt/"]!.accessor;
  }

  /** Whoever the proxy's own issuer names is known to the server by that name, and may read what is below it. */
  async function letAgentsIn(): Promise<void> {
    const issuer = await openLocalIssuer(join(directory, "issuer"));
    const pem = createPublicKey({ key: issuer.jwks.keys[0], format: "jwk" } as JsonWebKeyInput).export({ format: "pem", type: "spki" });
    await server.call("POST", "sys/auth/jwt", { type: "jwt" });
    await server.call("POST", "auth/jwt/config", { jwt_validation_pubkeys: [pem], bound_issuer: issuer.issuer });
    await lab.policy("agent", { [`secret/data/agents/{{identity.entity.aliases.${await accessorOfLogins()}.name}}/*`]: ["read"], "pki/sign/agents": ["update"], "identity/oidc/token/agents": ["read"] });
    await server.call("POST", "auth/jwt/role/agent", {
      role_type: "jwt", bound_audiences: [issuer.audience], user_claim: `/${IDENTITY_CLAIM.replaceAll("/", "~1")}/name`, user_claim_json_pointer: true, token_policies: ["agent"], token_ttl: "10m",
    });
    for (const agent of ["agent", "other"]) await server.call("POST", `secret/data/agents/${agent}/api`, { data: { value: `${CANARY}-of-${agent}` } });
  }

  async function start(policy: string): Promise<Stand> {
    const own = await lab.appRole(policy, [policy]);
    const grant = (path: string) => ({ credential: { type: "vault", path }, bind: { hosts: [HOST] } });
    const certificate = (commonName: string) => ({ credential: { type: "vault-pki", role: "agents", commonName }, inject: { type: "client-certificate" }, bind: { hosts: [LEDGER] } });
    return startStand({
      directory, authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }, { name: LEDGER, port: 443, dialPort: (ledger.address() as AddressInfo).port }],
      config: {
        credentials: { vault: { address: server.address, timeoutMs: 10_000, auth: { method: "jwt", role: "agent", own } } },
        audit: { directory: join(directory, "audit"), transit: { key: "audit" } }, tls: { intermediate: {} },
        grants: { own: grant("agents/{agent}/api"), others: grant("agents/other/api"), identity: { credential: { type: "vault-identity-token", role: "agents" }, bind: { hosts: [HOST] } }, certificate: certificate("{agent}.agents.example.test"), elsewhere: certificate("{agent}.example.test") },
      },
      policyData: { hosts: [
        { name: LEDGER, rule: "ledger", methods: ["GET"], paths: ["/own"], grants: ["certificate"] }, { name: LEDGER, rule: "elsewhere", methods: ["GET"], paths: ["/elsewhere"], grants: ["elsewhere"] },
        { name: HOST, rule: "own", methods: ["GET"], paths: ["/own"], grants: ["own"] }, { name: HOST, rule: "others", methods: ["GET"], paths: ["/others"], grants: ["others"] },
        { name: HOST, rule: "identity", methods: ["GET"], paths: ["/identity"], grants: ["identity"] },
      ] },
    });
  }

  test("does not start while its CA cannot be signed, and says why", async () => {
    await expect(start("unsigned")).rejects.toMatchObject({ name: "UserError", message: expect.stringContaining("cannot have the interception CA signed by vault:pki/root/sign-intermediate: forbidden") as unknown });
  });

  test("lends each agent what Vault's policy opens to it, a client certificate too, under a CA and with an audit log that Vault signed", async () => {
    const stand = await start("proxy");
    try {
      expect(new X509Certificate(stand.proxy.caPem).subject).toBe(new X509Certificate(rootPem).subject);
      const [own, others] = [await stand.ask("GET", `https://${HOST}/own`), await stand.ask("GET", `https://${HOST}/others`)];
      expect([own.status, others.status]).toEqual([200, 503]);
      expect(upstream.requests.map(({ text }) => /authorization: (.*)\r\n/i.exec(text)?.[1])).toEqual([`Bearer ${CANARY}-of-agent`]);
      expect((await stand.ask("GET", `https://${HOST}/identity`)).status).toBe(200);
      const [, shownToken = ""] = /authorization: Bearer (.*)\r\n/i.exec(upstream.requests.at(-1)?.text ?? "") ?? [];
      expect(decodeJwt(shownToken)).toMatchObject({ aud: "ledger", agent: "agent" });
      const shown = await stand.ask("GET", `https://${LEDGER}/own`);
      expect([shown.status, shown.body, (await stand.ask("GET", `https://${LEDGER}/elsewhere`)).status]).toEqual([200, "agent.agents.example.test", 503]);
    } finally {
      await stand.stop(true);
    }
    expect((await verifyAudit(join(directory, "audit"))).problem).toBeNull();
    expect((await verifyByPython(join(directory, "audit"))).problem).toBeNull();
  });
});
