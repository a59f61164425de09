import { once } from "node:events";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aDnsQuery } from "../support/plain-dns.ts";
import { startStand, type Stand } from "../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { auditText, connectionsOf, eventually, exchangesOf, LivePolicy, Received } from "../support/whole-proxy.ts";

const HOST = "api.end.test";
const DATABASE = "db.end.test";
const HOSTS = [{ name: HOST, rule: "api", methods: ["*"] }, { name: DATABASE, ports: [5432], handling: "tunnel", rule: "db" }];

let authority: TestAuthority;
let upstream: UpstreamServer;
let echo: Server;
const echoed = new Set<Socket>();

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    echoed.add(socket.on("error", () => {}).on("close", () => { echoed.delete(socket); }));
    socket.on("data", (chunk: Buffer) => { socket.write(chunk); }).on("end", () => { socket.end("bye"); });
  }).listen(0, "127.0.0.1");
  await once(echo, "listening");
});

afterAll(async () => {
  await upstream.close();
  echo.close();
});

async function aStand(policy: LivePolicy, config: Record<string, unknown> = {}): Promise<Stand> {
  const { port: dialPort } = echo.address() as AddressInfo;
  return startStand({
    authority, policyData: {}, config: { policy: policy.config, drainTimeoutMs: 300, ...config },
    routes: [{ name: HOST, port: 443, dialPort: upstream.port }, { name: DATABASE, port: 5432, dialPort }],
  });
}

async function openTunnel(stand: Stand): Promise<{ readonly socket: Socket; readonly received: Received }> {
  const socket = await stand.dial({ address: await stand.resolve(DATABASE), port: 5432 });
  const received = new Received(socket.on("error", () => {}));
  socket.write("\0hello");
  await eventually("the tunnel carries", () => received.text === "\0hello");
  return { socket, received };
}

describe("a stop with everything open", () => {
  test("drains, records and settles all of it, in time", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy);
    const streams = await Promise.all(Array.from({ length: 20 }, async () => {
      const socket = await stand.open(HOST);
      socket.on("error", () => {}).write(`GET /sse?events=100000&everyMs=50 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      return new Received(socket);
    }));
    const tunnel = await openTunnel(stand);
    await eventually("all flow", () => streams.every(({ text }) => text.includes("data:")));
    const startedMs = performance.now();
    await stand.stop(true);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    await eventually("all are ended", () => [...streams, tunnel.received].every(({ isOver }) => isOver));
    expect(exchangesOf(stand.records, "closed").filter(({ error }) => error?.code === "draining")).toHaveLength(20);
    expect(connectionsOf(stand.records).filter(({ handling, error }) => handling === "tunnel" && error?.code === "draining")).toHaveLength(1);
    const stored = auditText(stand);
    for (const { exchangeId } of exchangesOf(stand.records, "closed")) expect(stored).toContain(exchangeId);
    rmSync(stand.directory, { recursive: true });
  });
});

describe("a tunnel", () => {
  test("passes a half-close on and counts both ways", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy);
    const { socket, received } = await openTunnel(stand);
    socket.end();
    await received.ended.promise;
    expect(received.text).toBe("\0hellobye");
    await eventually("it is recorded", () => connectionsOf(stand.records).some(({ handling }) => handling === "tunnel"));
    expect(connectionsOf(stand.records).find(({ handling }) => handling === "tunnel")).toMatchObject({ outcome: "allowed", usage: { requestBytes: 6, responseBytes: 9 } });
    await stand.stop();
  });

  test("ends with its permission, and with its byte budget, each with the reason on record", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy, { budgets: { perAgent: { bytes: 100_000, window: "total" } } });
    const first = await openTunnel(stand);
    policy.write({ hosts: HOSTS.slice(0, 1) });
    await first.received.ended.promise;
    policy.write({ hosts: HOSTS });
    await eventually("the policy is back", () => stand.records.filter((record) => record.kind === "lifecycle" && record.event === "policy.loaded").length === 3);
    const second = await openTunnel(stand);
    second.socket.write(Buffer.alloc(200_000));
    await second.received.ended.promise;
    await eventually("both are recorded", () => connectionsOf(stand.records).filter(({ handling }) => handling === "tunnel").length === 2);
    expect(connectionsOf(stand.records).filter(({ handling }) => handling === "tunnel").map(({ error }) => error)).toMatchObject([
      { code: "policy.denied", rule: expect.any(String) as string, reason: expect.any(String) as string },
      { code: "budget.exhausted", rule: "budget.agent.bytes", hint: expect.stringContaining("budgets.perAgent.bytes") as string },
    ]);
    await eventually("nothing is left open there", () => echoed.size === 0);
    await stand.stop();
  });
});

describe("a policy folder that breaks, goes away and comes back", () => {
  test("leaves the last good policy in force all the while, with a record of each refusal", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy);
    const refusals = () => stand.records.filter((record) => record.kind === "lifecycle" && record.event === "policy.refused").length;
    const serves = async () => (await stand.ask("GET", `https://${HOST}/`)).status === 200;
    for (const [index, harm] of [
      () => { writeFileSync(join(policy.directory, "data.json"), '{"hosts": ['); },
      () => { writeFileSync(join(policy.directory, "data.yaml"), "hosts: []"); },
      () => { renameSync(policy.directory, `${policy.directory}.away`); },
      () => { writeFileSync(policy.directory, "a file now"); },
    ].entries()) {
      harm();
      await eventually(`harm ${index} is on record`, () => refusals() > index);
      expect(await serves()).toBe(true);
    }
    rmSync(policy.directory);
    mkdirSync(policy.directory);
    policy.write({ hosts: [] });
    await eventually("the mended policy is in force", async () => (await stand.ask("GET", `https://${HOST}/`).then(() => "open", () => "closed")) === "closed");
    rmSync(`${policy.directory}.away`, { recursive: true });
    await stand.stop();
  });

  test("survives folders that come and go in it by the hundred", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy);
    for (let round = 0; round < 100; round += 1) {
      const deep = join(policy.directory, `d${round}`, "a", "b");
      mkdirSync(deep, { recursive: true });
      writeFileSync(join(deep, "note.txt"), "x");
      if (round % 3 === 0) expect((await stand.ask("GET", `https://${HOST}/`)).status).toBe(200);
      rmSync(join(policy.directory, `d${round}`), { recursive: true });
    }
    policy.write({ hosts: [] });
    await eventually("a change is still noticed", async () => (await stand.ask("GET", `https://${HOST}/`).then(() => "open", () => "closed")) === "closed");
    await stand.stop();
  });
});

describe("one instance cannot take what another needs", () => {
  test("names, addresses and connections of its own are all that it uses up", async () => {
    using policy = new LivePolicy({ hosts: [...HOSTS, { name: "**.many.test" }] });
    const stand = await aStand(policy, { dns: { queriesPerSecond: 100_000, queryBurst: 100_000 }, connection: { maxConnectionsPerInstance: 30 } });
    const address = await stand.resolve(HOST);
    const greedy = await stand.dialAs("greedy", { address: "10.255.0.1", port: 53 }, "dns");
    const answers = new Received(greedy);
    for (let at = 0; at < 17_000; at += 100) greedy.write(Buffer.concat(Array.from({ length: 100 }, (_, offset) => aDnsQuery(`n${at + offset}.many.test`))));
    await eventually("all are answered", () => stand.records.filter((record) => record.kind === "name").length >= 17_001, 20_000);
    const held = await Promise.all(Array.from({ length: 40 }, async () => stand.dialAs("greedy", { address, port: 443 })));
    for (const socket of held) socket.on("error", () => {}).resume();
    await eventually("those above its cap are refused", () => connectionsOf(stand.records).filter(({ error }) => error?.code === "connection.limit").length >= 11);
    expect(answers.bytes.byteLength).toBeGreaterThan(17_000 * 20);
    expect(await stand.resolve(HOST)).toBe(address);
    const startedMs = performance.now();
    expect((await stand.ask("GET", `https://${HOST}/`)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    for (const socket of [...held, greedy]) socket.destroy();
    await stand.stop();
  });

  test("an address that stands for a name of one is nothing to another", async () => {
    using policy = new LivePolicy({ hosts: HOSTS });
    const stand = await aStand(policy);
    const address = await stand.resolve(HOST);
    const stranger = await stand.dialAs("stranger", { address, port: 443 });
    const received = new Received(stranger);
    stranger.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
    await received.ended.promise;
    expect(received.text).toMatch(/^HTTP\/1\.1 421 [\s\S]*destination\.unknown/);
    await stand.stop();
  });
});
