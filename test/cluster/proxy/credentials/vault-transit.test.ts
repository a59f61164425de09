import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { verifyAudit } from "../../../../proxy/audit/verify.ts";
import { TransitKey } from "../../../../proxy/credentials/vault/transit-key.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { anExchange } from "../../../support/audit-records.ts";
import { aFolder, anAuditRoom, storedEvents, verifyByPython } from "../../../support/audit-room.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { openVaultLab, type VaultLab } from "../../../support/vault-lab.ts";

const environment = readEnvironment();
const bao = environment["WEIR_TIER"] === "cluster" ? await obtainOpenBao(environment) : await findOpenBao(environment);

describe.skipIf(bao === null)("checkpoints signed by a real transit engine (npm run verify:cluster brings one)", () => {
  let server: OpenBaoServer;
  let lab: VaultLab;
  beforeAll(async () => {
    server = await startOpenBao(bao ?? "");
    lab = await openVaultLab(server);
    await server.call("POST", "sys/mounts/transit", { type: "transit" });
    await server.call("POST", "transit/keys/weir-audit", { type: "ed25519" });
    await server.call("POST", "transit/keys/other", { type: "ecdsa-p256" });
    await lab.policy("audit", { "transit/keys/weir-audit": ["read"], "transit/sign/weir-audit": ["update"], "transit/keys/other": ["read"] });
    await lab.policy("reader", { "transit/keys/weir-audit": ["read"] });
  });
  afterAll(async () => {
    await lab?.close();
    await server?.close();
  });

  const key = async (policy: string, name = "weir-audit") => new TransitKey(lab.client(await lab.appRole(policy, [policy])), { mount: "transit", key: name });
  const write = async (folder: string, remoteKey: TransitKey) => {
    const room = await anAuditRoom(folder, {}, { remoteKey });
    await room.commit(anExchange());
    await room.close();
  };

  test("are verified offline by both verifiers, before and after the key was rotated", async () => {
    const folder = aFolder();
    await write(folder, await key("audit"));
    expect((await verifyAudit(folder)).problem).toBeNull();
    await server.call("POST", "transit/keys/weir-audit/rotate");
    await write(folder, await key("audit"));
    const report = await verifyAudit(folder);
    expect([report.problem, report.checkpoints > 1, (await verifyByPython(folder)).problem]).toEqual([null, true, null]);
  });

  test("fail on record where the policy lets the proxy read the key and not sign", async () => {
    const folder = aFolder();
    const room = await anAuditRoom(folder, {}, { remoteKey: await key("reader") });
    await room.commit(anExchange());
    await expect(room.checkpoint()).rejects.toThrow("forbidden: Vault answered 403");
    await expect.poll(async () => (await storedEvents(folder)).map((event) => event.activity_name)).toContain("audit.checkpoint-failed");
  });

  test.each([["of another type", "other"], ["that the policy does not name", "third"]])("are not begun with a key %s", async (_what, name) => {
    await expect(anAuditRoom(aFolder(), {}, { remoteKey: await key("audit", name) })).rejects.toThrow(`cannot ask for the audit signing key vault:transit/keys/${name}`);
  });
});
