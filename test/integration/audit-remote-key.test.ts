import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import type { RemoteKey } from "../../proxy/model/remote-key.ts";
import { anExchange } from "../support/audit-records.ts";
import { aClosedChain, aFolder, anAuditRoom, storedEvents, verifyByPython } from "../support/audit-room.ts";
import { TestClock } from "../support/test-clock.ts";

/** A key elsewhere, which the test can rotate and take away. */
class TestKey implements RemoteKey {
  readonly describe = "vault:transit/keys/weir";
  isDown = false;
  asked = 0;
  readonly #versions: { publicKey: KeyObject; privateKey: KeyObject }[] = [];

  constructor() {
    this.rotate();
  }

  rotate(): void {
    this.#versions.push(generateKeyPairSync("ed25519"));
  }

  async publicKeys(): Promise<ReadonlyMap<number, Buffer>> {
    if (this.isDown) throw new Error("sealed: Vault answered 503");
    return new Map(this.#versions.map(({ publicKey }, index) => [index + 1, publicKey.export({ format: "der", type: "spki" }).subarray(-32)]));
  }

  async sign(version: number, message: Buffer): Promise<Buffer> {
    this.asked += 1;
    if (this.isDown) throw new Error("sealed: Vault answered 503");
    return sign(null, message, this.#versions[version - 1]!.privateKey);
  }
}

async function aSignedChain(folder: string, remoteKey: RemoteKey): Promise<void> {
  const room = await anAuditRoom(folder, {}, { remoteKey });
  await room.commit(anExchange());
  await room.close();
}
const published = (folder: string) => readFileSync(join(folder, "signing.pub"), "utf8").trimEnd().split("\n");
const named = async (folder: string, name: string) => (await storedEvents(folder)).filter((event) => event.activity_name === name);

describe("a chain whose signing key is elsewhere", () => {
  test("is verified by both verifiers with the published key, and no private key is in its folder", async () => {
    const folder = aFolder();
    await aSignedChain(folder, new TestKey());
    expect(existsSync(join(folder, "signing.key"))).toBe(false);
    expect((await verifyAudit(folder)).problem).toBeNull();
    expect((await verifyByPython(folder)).problem).toBeNull();
  });

  test("goes on with the same key after a restart, and is handed over to a newer version", async () => {
    const [folder, key] = [aFolder(), new TestKey()];
    await aSignedChain(folder, key);
    await aSignedChain(folder, key);
    expect(published(folder)).toHaveLength(1);
    key.rotate();
    await aSignedChain(folder, key);
    expect([published(folder).length, (await named(folder, "audit.key-rotated")).length]).toEqual([2, 1]);
    expect((await verifyByPython(folder)).problem).toBeNull();
  });

  test("takes over from the key in the folder, which is gone then; who knew that one can follow", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    const oldKey = join(aFolder(), "old.pub");
    copyFileSync(join(folder, "signing.pub"), oldKey);
    await aSignedChain(folder, new TestKey());
    expect(existsSync(join(folder, "signing.key"))).toBe(false);
    expect((await verifyAudit(folder, { publicKeyFile: oldKey })).problem).toBeNull();
    expect((await verifyByPython(folder, "--key", oldKey)).problem).toBeNull();
  });

  test("does not begin, and does not go on, while the key cannot be asked", async () => {
    const [folder, key] = [aFolder(), new TestKey()];
    key.isDown = true;
    await expect(anAuditRoom(folder, {}, { remoteKey: key })).rejects.toThrow("cannot ask for the audit signing key vault:transit/keys/weir: sealed");
    key.isDown = false;
    await aSignedChain(folder, key);
    key.isDown = true;
    await expect(anAuditRoom(folder, {}, { remoteKey: key })).rejects.toThrow("cannot ask for the audit signing key");
  });

  test("does not go on under a key that its own never handed over to", async () => {
    const folder = aFolder();
    await aSignedChain(folder, new TestKey());
    await expect(anAuditRoom(folder, {}, { remoteKey: new TestKey() })).rejects.toThrow("cannot use the audit signing key");
    await expect(anAuditRoom(folder)).rejects.toThrow("cannot use the audit signing key");
    rmSync(join(folder, "signing.pub"));
    await expect(anAuditRoom(folder, {}, { remoteKey: new TestKey() })).rejects.toThrow("not signed by a known key");
  });
});

describe("a chain whose key is away for a while", () => {
  const away = async (section: object = {}) => {
    const [folder, key, clock] = [aFolder(), new TestKey(), new TestClock()];
    const room = await anAuditRoom(folder, { checkpointIntervalMs: 20, checkpointRecords: 2, unsignedLimitMs: 60_000, ...section }, { remoteKey: key, clock });
    await room.commit(anExchange());
    await vi.waitFor(() => { expect(room.status.checkpointSize).toBeGreaterThan(0); });
    key.isDown = true;
    return { folder, key, clock, room };
  };
  const failure = async (folder: string) => vi.waitFor(async () => { expect(await named(folder, "audit.checkpoint-failed")).toHaveLength(1); });

  test("takes records without waiting, says once that it is unsigned, and signs them all when the key is back", async () => {
    const { folder, key, room } = await away();
    for (let at = 0; at < 20; at += 1) await room.commit(anExchange({ exchangeId: `x-${at}` }));
    await failure(folder);
    expect(room.isHealthy).toBe(true);
    key.isDown = false;
    await vi.waitFor(() => { expect(room.status.checkpointSize).toBeGreaterThan(20); });
    await room.close();
    expect(await named(folder, "audit.checkpoint-failed")).toHaveLength(1);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("takes no request once that has lasted too long, and is ready again by itself", async () => {
    const { folder, key, clock, room } = await away();
    await room.commit(anExchange());
    await failure(folder);
    clock.advance(60_001);
    await expect(room.commit(anExchange())).rejects.toMatchObject({ code: "audit.unavailable", message: "no checkpoint could be signed for 60000 ms" });
    expect(room.isHealthy).toBe(false);
    key.isDown = false;
    await vi.waitFor(async () => { await room.commit(anExchange()); });
    expect(room.isHealthy).toBe(true);
  });

  test("stops in order all the same, and is signed as a whole after the next start", async () => {
    const { folder, key, room } = await away();
    await room.commit(anExchange());
    await failure(folder);
    await room.close();
    key.isDown = false;
    const next = await anAuditRoom(folder, {}, { remoteKey: key });
    expect((await named(folder, "audit.started")).map((event) => event.unmapped.weir.fields["after"])).toEqual(["nothing", "stop"]);
    await next.checkpoint();
    expect([next.status.checkpointSize, (await verifyAudit(folder)).problem]).toEqual([next.status.records - 1, null]);
  });

  test("does not ask the key for every record meanwhile", async () => {
    const { folder, key, room } = await away({ checkpointIntervalMs: 3_000 });
    await room.commit(anExchange());
    await room.commit(anExchange());
    await failure(folder);
    const before = key.asked;
    for (let at = 0; at < 50; at += 1) await room.commit(anExchange());
    expect(key.asked - before).toBeLessThanOrEqual(1);
  });
});
