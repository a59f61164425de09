import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRawUpstream, type RawUpstream } from "../support/raw-upstream.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority } from "../support/tls-authority.ts";
import { aDnsQuery } from "../support/plain-dns.ts";
import { connectionsOf, eventually, exchangesOf } from "../support/whole-proxy.ts";

const HOST = "api.noise.test";
const ROUNDS = 20;

let upstream: RawUpstream;
let stand: Stand;
let seed = 7;

beforeAll(async () => {
  const authority = await mintAuthority();
  upstream = await startRawUpstream(await authority.leaf([HOST]), ({ path }, socket) => {
    if (path === "/noise") socket.end(noise(200));
    else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  stand = await startStand({
    authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }, { name: HOST, port: 80, dialPort: upstream.port }],
    config: { connection: { preambleTimeoutMs: 300, firstBytesTimeoutMs: 300, helloTimeoutMs: 300, handshakeTimeoutMs: 300, lingerMs: 50 }, dns: { idleTimeoutMs: 300 } },
    policyData: { hosts: [{ name: HOST, methods: ["*"], ports: [80, 443], schemes: ["https", "http"], websocket: true }] },
  });
});

afterAll(async () => {
  await stand.stop();
  await upstream.close();
});

function random(below: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  return (seed >>> 8) % below;
}

function noise(bytes: number): Buffer {
  return Buffer.from(Array.from({ length: 1 + random(bytes) }, () => random(256)));
}

/** A lawful message with a few bytes changed, doubled or taken away: what noise alone never reaches. */
function spoilt(lawful: Buffer): Buffer {
  const bytes = [...lawful];
  for (let change = random(4); change >= 0; change -= 1) bytes.splice(random(bytes.length), random(3), ...noise(3));
  return Buffer.from(bytes);
}

const REQUEST = Buffer.from(`POST /a/b?c=d HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /noise HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
const SOCKET = Buffer.from(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);

const DOORS: Readonly<Record<string, { readonly open: () => Promise<Duplex>; readonly lawful: readonly Buffer[] }>> = {
  "before the preamble": { open: async () => connect({ path: join(stand.directory, "proxy", "proxy.sock") }), lawful: [Buffer.from("0d0a0d0a000d0a515549540a2111000c", "hex")] },
  "behind the preamble": { open: async () => stand.dial({ address: await stand.resolve(HOST), port: 443 }), lawful: [Buffer.from("160301004001000038", "hex"), REQUEST] },
  "in clear HTTP": { open: async () => stand.dial({ address: await stand.resolve(HOST), port: 80 }), lawful: [REQUEST, SOCKET] },
  "inside TLS": { open: async () => stand.open(HOST), lawful: [REQUEST, SOCKET] },
  "inside TLS as HTTP/2": { open: async () => stand.open(HOST, ["h2"]), lawful: [Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1")] },
  "in DNS": { open: async () => stand.dial({ address: "10.255.0.1", port: 53 }, "dns"), lawful: [aDnsQuery(HOST), aDnsQuery("x".repeat(60))] },
};

test.each(Object.keys(DOORS))("noise %s ends its connection, is recorded, and hurts nobody", async (door) => {
  const { open, lawful } = DOORS[door] ?? { open: async () => Promise.reject(new Error("no such door")), lawful: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const socket = await open();
    const closed = once(socket.on("error", () => {}).resume(), "close");
    for (let part = random(3); part >= 0; part -= 1) socket.write(random(3) === 0 ? noise(300) : spoilt(lawful[random(lawful.length)] ?? noise(9)));
    if (random(2) === 0) socket.end();
    else setImmediate(() => { socket.destroy(); });
    socket.end();
    await closed;
  }
  expect((await stand.ask("GET", `https://${HOST}/`)).status).toBe(200);
});

test("after all of it, every decision is closed and nothing failed in a way that has no name", async () => {
  await eventually("every decision is closed", () => {
    const over = new Set(exchangesOf(stand.records, "closed").map(({ exchangeId }) => exchangeId));
    return exchangesOf(stand.records, "decided").every(({ exchangeId }) => over.has(exchangeId));
  });
  const failures = [...exchangesOf(stand.records, "closed"), ...connectionsOf(stand.records)].filter(({ error }) => error?.code === "internal");
  expect(failures.map(({ error }) => error?.detail)).toEqual([]);
});
