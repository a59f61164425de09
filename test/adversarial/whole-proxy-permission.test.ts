import { once } from "node:events";
import { rmSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditRecord } from "../../proxy/model/record.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { auditText, connectionsOf, eventually, exchangesOf, LivePolicy, Received } from "../support/whole-proxy.ts";

const HOST = "api.permission.test";
const ALLOWED = { hosts: [{ name: HOST, rule: "api", methods: ["*"], websocket: true }] };
const REVOKED = { hosts: [{ name: "other.permission.test" }] };

let authority: TestAuthority;
let upstream: UpstreamServer;

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
});

afterAll(async () => { await upstream.close(); });

async function standWith(policy: LivePolicy, disk?: FaultyDisk): Promise<Stand> {
  return startStand({
    authority, policyData: {}, routes: [{ name: HOST, port: 443, dialPort: upstream.port }, { name: HOST, port: 5432, dialPort: upstream.port }],
    config: { policy: policy.config, drainTimeoutMs: 500 }, ...(disk === undefined ? {} : { disk }),
  });
}

function breakDisk(disk: FaultyDisk): void {
  disk.fail("append", "ENOSPC");
  disk.fail("open", "ENOSPC");
}

async function expectRefused(socket: TLSSocket): Promise<void> {
  const received = new Received(socket);
  socket.write(`GET /refused HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await eventually("it is refused", () => received.text.includes("audit.unavailable"));
}

function isPolicyLoad(record: AuditRecord): boolean {
  return record.kind === "lifecycle" && record.event === "policy.loaded";
}

/** An answer that goes on until somebody ends it. */
async function openStream(stand: Stand): Promise<Received> {
  const socket = await stand.open(HOST);
  const received = new Received(socket);
  socket.write(`GET /sse?events=100000&everyMs=20 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
  await eventually("the stream flows", () => received.text.includes("data:"));
  return received;
}

describe("a revoked permission ends what is open", () => {
  test("an answer that streams", async () => {
    using policy = new LivePolicy(ALLOWED);
    const stand = await standWith(policy);
    const stream = await openStream(stand);
    policy.write(REVOKED);
    await stream.ended.promise;
    await eventually("it is recorded", () => exchangesOf(stand.records, "closed").length === 1);
    expect(exchangesOf(stand.records, "closed")).toMatchObject([{ outcome: "denied", error: { code: "policy.denied" } }]);
    await stand.stop();
  });

  test("also while the audit log cannot be written; later policies still come into force, and what ended meanwhile is recorded", async () => {
    using policy = new LivePolicy(ALLOWED);
    const disk = new FaultyDisk();
    const stand = await standWith(policy, disk);
    const stream = await openStream(stand);
    const idle = await stand.open(HOST);
    breakDisk(disk);
    await expectRefused(idle);
    policy.write(REVOKED);
    await stream.ended.promise;
    policy.write(ALLOWED);
    disk.mend();
    await eventually("the last policy serves", async () => stand.ask("GET", `https://${HOST}/again`).then(({ status }) => status === 200, () => false), 10_000);
    expect(stand.records.filter(isPolicyLoad)).toHaveLength(3);
    await stand.stop(true);
    const stored = auditText(stand);
    const [streamed] = exchangesOf(stand.records, "closed").filter(({ path }) => path === "/sse");
    expect(streamed).toMatchObject({ outcome: "denied", error: { code: "policy.denied" } });
    expect(stored.split(`"${streamed?.exchangeId ?? "?"}"`).length - 1, "decided and closed, both on disk").toBeGreaterThanOrEqual(2);
    rmSync(stand.directory, { recursive: true });
  });

  test("what was decided by the old policy and waits for its record is not sent", async () => {
    using policy = new LivePolicy(ALLOWED);
    const disk = new FaultyDisk();
    const stand = await standWith(policy, disk);
    const socket = await stand.open(HOST);
    const received = new Received(socket);
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.hang = promise;
    const before = upstream.requests.length;
    socket.write(`GET /late HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await eventually("it is decided", () => exchangesOf(stand.records, "decided").length === 1);
    // The connection's own end must not be what ends the request: only this path is revoked.
    policy.write({ hosts: [{ name: HOST, rule: "api.less", paths: ["/other"] }] });
    await eventually("the new policy is in force", () => stand.records.filter(isPolicyLoad).length === 2);
    disk.hang = null;
    resolve();
    await eventually("it is answered", () => received.text.includes("\r\n\r\n"));
    expect(received.text).toContain("HTTP/1.1 403");
    expect(upstream.requests).toHaveLength(before);
    await stand.stop();
  });
});

test("a proxy whose audit log is broken stops all the same, and leaves nothing open", async () => {
  using policy = new LivePolicy(ALLOWED);
  const disk = new FaultyDisk();
  const stand = await standWith(policy, disk);
  const socket = await stand.open(HOST);
  breakDisk(disk);
  await expectRefused(socket);
  await stand.stop(true);
  await expect(stand.dial({ address: "10.0.0.1", port: 443 })).rejects.toMatchObject({ code: "ENOENT" });
  rmSync(stand.directory, { recursive: true });
});

test("a connection that has said nothing yet is recorded when the proxy stops", async () => {
  using policy = new LivePolicy(ALLOWED);
  const stand = await standWith(policy);
  const socket = await stand.dial({ address: await stand.resolve(HOST), port: 443 });
  await eventually("it is identified", () => stand.records.some((record) => record.kind === "name"));
  const closed = once(socket, "close");
  socket.resume().on("error", () => {});
  await stand.stop();
  socket.end();
  await closed;
  expect(connectionsOf(stand.records).filter((record) => record.port === 443)).toMatchObject([{ outcome: "failed", error: { code: "draining" } }]);
});
