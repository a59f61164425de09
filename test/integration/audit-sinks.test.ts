import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { listSegments } from "../../proxy/audit/directory.ts";
import type { AuditRoom } from "../../proxy/audit/open-audit.ts";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import { seen } from "../support/audit-events.ts";
import { anExchange } from "../support/audit-records.ts";
import { aFolder, anAuditRoom, storedEvents } from "../support/audit-room.ts";
import { NdjsonReceiver, type Conduct } from "../support/ndjson-receiver.ts";
import { hasRsyslog, Rsyslog } from "../support/rsyslog.ts";
import { mintAuthority, type PemPair, type TestAuthority } from "../support/tls-authority.ts";

let authority: TestAuthority;
let leaf: PemPair;
beforeAll(async () => {
  authority = await mintAuthority();
  leaf = await authority.leaf(["localhost"]);
});

function pemFiles(): { caFile: string; certificateFile: string; keyFile: string; folder: string } {
  const folder = aFolder();
  const files = { folder, caFile: join(folder, "ca.pem"), certificateFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
  writeFileSync(files.caFile, authority.caPem);
  writeFileSync(files.certificateFile, leaf.certPem);
  writeFileSync(files.keyFile, leaf.keyPem);
  return files;
}

/** A certificate for a client, by the CA of the tests: those of `leaf` are for servers only. */
function aClientCertificate(): { certificateFile: string; keyFile: string } {
  const folder = aFolder();
  const file = (name: string) => join(folder, name);
  writeFileSync(file("ca.pem"), authority.caPem);
  writeFileSync(file("ca.key"), authority.caKeyPem);
  writeFileSync(file("extensions"), "extendedKeyUsage=clientAuth\n");
  const openssl = (command: string) => execFileSync("openssl", command.split(" "), { cwd: folder, stdio: "ignore" });
  openssl("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=weir -keyout client.key -out client.csr");
  openssl("x509 -req -in client.csr -CA ca.pem -CAkey ca.key -days 1 -extfile extensions -out client.pem");
  return { certificateFile: file("client.pem"), keyFile: file("client.key") };
}

/** Everything in the chain is at the receiver, whole, in order, and what is there twice is the same. */
async function expectNothingLost(folder: string, received: readonly string[], without: readonly number[] = []): Promise<void> {
  const stored = (await storedLines(folder)).filter((line) => !without.includes(seen(line).metadata.sequence));
  expect([...new Set(received)]).toEqual(stored);
}

async function storedLines(folder: string): Promise<string[]> {
  return (await listSegments(folder)).flatMap((segment) => readFileSync(segment.path, "utf8").trimEnd().split("\n"));
}

const caughtUp = async (room: AuditRoom) => vi.waitFor(() => { expect(room.status.sinks).toEqual([expect.objectContaining({ lagRecords: 0 })]); }, { timeout: 20_000, interval: 20 });

async function commitSome(room: AuditRoom, count: number, prefix = "x"): Promise<void> {
  for (let at = 0; at < count; at += 1) await room.commit(anExchange({ exchangeId: `${prefix}-${at}` }));
}

describe("the HTTPS sink", () => {
  async function aShippingRoom(receiver: NdjsonReceiver, section: object = {}): Promise<{ room: AuditRoom; folder: string }> {
    const folder = aFolder();
    const { caFile } = pemFiles();
    return { folder, room: await anAuditRoom(folder, { segmentBytes: 30_000, sinks: [{ type: "https", name: "siem", url: receiver.url, caFile, batchRecords: 7, timeoutMs: 400, ...section }] }) };
  }

  test("delivers every record once where nothing fails, over segments, in batches", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 50);
    await caughtUp(room);
    await expectNothingLost(folder, receiver.stored);
    expect(receiver.stored).toHaveLength(new Set(receiver.stored).size);
    expect(receiver.requests).toBeLessThan(50);
  });

  const every = (count: number, fault: Conduct): Conduct => {
    let requests = 0;
    return async (request, answer) => {
      requests += 1;
      if (requests % count !== 0) return fault(request, answer);
      answer.store();
      answer.status(202);
    };
  };
  const silence = async () => Promise.withResolvers<void>().promise;

  test.each<[string, Conduct]>([
    ["answers 500", every(3, (_request, answer) => { answer.status(500); })],
    ["answers 429", every(2, (_request, answer) => { answer.status(429); })],
    ["answers 401 until the operator has mended the token", every(4, (_request, answer) => { answer.status(401); })],
    ["redirects", every(2, (_request, answer) => { answer.status(307); })],
    ["resets the connection before it has stored anything", every(2, (_request, answer) => { answer.reset(); })],
    ["stores, and resets the connection before it answers", every(2, (_request, answer) => { answer.store(); answer.reset(); })],
    ["does not answer in time", every(2, silence)],
    ["takes batches of two records at most, 413 above", ({ lines }, answer) => { if (lines.length > 2) { answer.status(413); } else { answer.store(); answer.status(200); } }],
  ])("loses nothing when the receiver %s", async (_what, conduct) => {
    const receiver = await NdjsonReceiver.start(leaf);
    receiver.conduct = conduct;
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 12);
    await caughtUp(room);
    await expectNothingLost(folder, receiver.stored);
  });

  test("leaves out the one record that the receiver can never take, and both the chain and the receiver learn of the gap", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    receiver.conduct = ({ lines }, answer) => {
      if (lines.some((line) => line.includes("poison"))) { answer.status(400); } else { answer.store(); answer.status(200); }
    };
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 5);
    const { sequence } = await room.commit(anExchange({ exchangeId: "poison" }));
    await commitSome(room, 5, "y");
    await caughtUp(room);
    const gaps = receiver.stored.map((line) => seen(line)).filter((event) => event.activity_name === "audit.gap");
    expect(gaps.map((gap) => gap.unmapped.weir.fields)).toEqual([expect.objectContaining({ reason: "refused-by-sink", sink: "siem", sequence })]);
    await expectNothingLost(folder, receiver.stored, [sequence]);
  });

  test("leaves nothing out for a receiver that refuses everything: it waits until that is mended", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    receiver.conduct = (_request, answer) => { answer.status(400); };
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 5);
    await vi.waitFor(() => { expect(room.status.sinks[0]?.lastError).toContain("took nothing behind it"); });
    expect((await storedEvents(folder)).filter((event) => event.activity_name === "audit.gap")).toEqual([]);
    receiver.conduct = (_request, answer) => { answer.store(); answer.status(200); };
    await caughtUp(room);
    await expectNothingLost(folder, receiver.stored);
  });

  test("goes on after a restart where the receiver had said yes", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 10);
    await caughtUp(room);
    await room.close();
    const section = { sinks: [{ type: "https", name: "siem", url: receiver.url, caFile: pemFiles().caFile }] };
    await caughtUp(await anAuditRoom(folder, section));
    await expectNothingLost(folder, receiver.stored);
    expect(receiver.stored).toHaveLength(new Set(receiver.stored).size);
  });

  test("sends again from the beginning if its cursor cannot be read", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    const { room, folder } = await aShippingRoom(receiver);
    await commitSome(room, 3);
    await caughtUp(room);
    await room.close();
    rmSync(join(folder, "cursors"), { recursive: true });
    mkdirSync(join(folder, "cursors"));
    writeFileSync(join(folder, "cursors", "siem.json"), "{half");
    await caughtUp(await anAuditRoom(folder, { sinks: [{ type: "https", name: "siem", url: receiver.url, caFile: pemFiles().caFile }] }));
    await expectNothingLost(folder, receiver.stored);
  });

  test("sends the rest before it stops, if it is given the time", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    const folder = aFolder();
    const room = await anAuditRoom(folder, { sinkDrainMs: 5_000, sinks: [{ type: "https", name: "siem", url: receiver.url, caFile: pemFiles().caFile }] });
    await commitSome(room, 20);
    await room.close();
    await expectNothingLost(folder, receiver.stored);
    expect(seen(receiver.stored.at(-1) ?? "").activity_name).toBe("audit.stopped");
  });

  test("names the same batch by the same key when it sends it again", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    receiver.conduct = every(2, (_request, answer) => { answer.status(503); });
    const { room } = await aShippingRoom(receiver);
    await caughtUp(room);
    expect(receiver.keys[0]).toBe(receiver.keys[1]);
  });

  test("does not send to a receiver whose certificate is not vouched for", async () => {
    const stranger = await mintAuthority("Stranger CA");
    const receiver = await NdjsonReceiver.start(await stranger.leaf(["localhost"]));
    const { room } = await aShippingRoom(receiver);
    await vi.waitFor(() => { expect(room.status.sinks[0]?.lastError).not.toBeNull(); });
    expect(receiver.requests).toBe(0);
  });

  test("shows its token and its certificate", async () => {
    const receiver = await NdjsonReceiver.start(leaf, { clientCaPem: authority.caPem });
    const headers: unknown[] = [];
    receiver.conduct = (request, answer) => { headers.push(request.headers.authorization); answer.store(); answer.status(200); };
    const files = pemFiles();
    writeFileSync(join(files.folder, "token"), "s3cret\n");
    const { room } = await aShippingRoom(receiver, { ...aClientCertificate(), tokenFile: join(files.folder, "token") });
    await caughtUp(room);
    expect(headers[0]).toBe("Bearer s3cret");
  });

  test("that hangs delays no request", async () => {
    const receiver = await NdjsonReceiver.start(leaf);
    receiver.conduct = silence;
    const { room } = await aShippingRoom(receiver, { timeoutMs: 60_000 });
    await commitSome(room, 20);
    expect(room.isHealthy).toBe(true);
    expect(room.status.sinks[0]?.lagRecords).toBeGreaterThan(20);
  });
});

describe.skipIf(!hasRsyslog && readEnvironment()["CI"] !== "1")("the syslog sink with a real rsyslogd over TLS", () => {
  async function anRsyslog(isMutual = false): Promise<{ rsyslog: Rsyslog; files: ReturnType<typeof pemFiles> }> {
    const files = pemFiles();
    const rsyslog = await Rsyslog.create({ ...files, isMutual });
    await rsyslog.start();
    return { rsyslog, files };
  }

  async function aShippingRoom(rsyslog: Rsyslog, section: object): Promise<{ room: AuditRoom; folder: string }> {
    const folder = aFolder();
    return { folder, room: await anAuditRoom(folder, { segmentBytes: 60_000, sinks: [{ type: "syslog", name: "syslog", host: "localhost", port: rsyslog.port, intervalMs: 20, timeoutMs: 2_000, ...section }] }) };
  }

  test("delivers every record whole, as RFC 5424 with its sequence", async () => {
    const { rsyslog, files } = await anRsyslog();
    try {
      const { room, folder } = await aShippingRoom(rsyslog, { caFile: files.caFile });
      await commitSome(room, 60);
      await room.commit(anExchange({ path: `/${"long".repeat(2_000)}`, userAgent: 'quotes " brackets ] é 𝕏 \n newline' }));
      await caughtUp(room);
      await vi.waitFor(async () => { await expectNothingLost(folder, rsyslog.received()); });
      expect(readFileSync(join(files.folder, "received"), "utf8").split("\n")[0]).toMatch(new RegExp(`^${process.pid} \\[meta sequenceId="1"\\]`));
      expect((await verifyAudit(folder)).problem).toBeNull();
    } finally {
      await rsyslog.stop();
    }
  });

  test("loses nothing over restarts of rsyslogd while records flow", async () => {
    const { rsyslog, files } = await anRsyslog();
    try {
      const { room, folder } = await aShippingRoom(rsyslog, { caFile: files.caFile });
      for (let round = 0; round < 3; round += 1) {
        const flowing = commitSome(room, 150, `r${round}`);
        await commitSome(room, 20, `s${round}`);
        await rsyslog.stop();
        await commitSome(room, 20, `t${round}`);
        await rsyslog.start();
        await flowing;
      }
      await caughtUp(room);
      await vi.waitFor(async () => { await expectNothingLost(folder, rsyslog.received()); }, 5_000);
    } finally {
      await rsyslog.stop();
    }
  });

  test("counts nothing as delivered that a frozen and then killed rsyslogd left unread", async () => {
    const { rsyslog, files } = await anRsyslog();
    try {
      const { room, folder } = await aShippingRoom(rsyslog, { caFile: files.caFile });
      await commitSome(room, 10);
      await caughtUp(room);
      rsyslog.freeze(true);
      await commitSome(room, 200, "unread");
      await vi.waitFor(() => { expect(room.status.sinks[0]?.lastError).not.toBeNull(); }, 10_000);
      expect(room.status.sinks[0]?.lagRecords).toBeGreaterThanOrEqual(200);
      await rsyslog.stop("SIGKILL");
      await rsyslog.start();
      await caughtUp(room);
      await vi.waitFor(async () => { await expectNothingLost(folder, rsyslog.received()); }, 5_000);
    } finally {
      await rsyslog.stop();
    }
  });

  test("shows its certificate to a receiver that asks for one; without it nothing is delivered", async () => {
    const { rsyslog, files } = await anRsyslog(true);
    try {
      const { caFile } = files;
      const refused = await aShippingRoom(rsyslog, { caFile });
      await vi.waitFor(() => { expect(refused.room.status.sinks[0]?.lastError).not.toBeNull(); }, 10_000);
      expect(refused.room.status.sinks[0]?.deliveredRecords).toBe(0);
      await refused.room.close();
      const { room, folder } = await aShippingRoom(rsyslog, { caFile, ...aClientCertificate() });
      await caughtUp(room);
      await vi.waitFor(async () => { await expectNothingLost(folder, rsyslog.received()); });
    } finally {
      await rsyslog.stop();
    }
  });

  test("does not speak to a receiver whose certificate is not vouched for", async () => {
    const { rsyslog, files } = await anRsyslog();
    try {
      const stranger = await mintAuthority("Stranger CA");
      writeFileSync(join(files.folder, "stranger.pem"), stranger.caPem);
      const { room } = await aShippingRoom(rsyslog, { caFile: join(files.folder, "stranger.pem") });
      await vi.waitFor(() => { expect(room.status.sinks[0]?.lastError).not.toBeNull(); }, 10_000);
      expect(rsyslog.received()).toEqual([]);
    } finally {
      await rsyslog.stop();
    }
  });
});
