import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { upstreamConfig } from "../../proxy/upstream/config.ts";
import { dialTcp } from "../../proxy/upstream/dial.ts";
import { Locator } from "../../proxy/upstream/locator.ts";
import { NameResolver } from "../../proxy/upstream/resolver.ts";
import { UndiciUpstream } from "../../proxy/upstream/undici-upstream.ts";
import { fixed, openZone, type Zone, type ZoneRecord } from "../support/dns-zone.ts";
import { exchange, listen } from "../support/upstream-sink.ts";

const NAME = "api.example.test";
/** Stands in for a public address: loopback is the only place where a test may listen. The guard of these tests lets it pass, and no other. */
const PUBLIC = "127.0.0.2";
const never = new AbortController().signal;

let zone: Zone;
const closers: (() => Promise<unknown> | void)[] = [];
beforeEach(async () => { zone = await openZone(); });
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await zone[Symbol.asyncDispose]();
});

function upstream(over: object = {}): UndiciUpstream {
  const opened = new UndiciUpstream(upstreamConfig.parse({ resolvers: [zone.address], resolveTimeoutMs: 200, resolveTries: 1, ...over }), systemClock);
  closers.push(async () => opened.close());
  return opened;
}

function resolver(clock = systemClock): NameResolver {
  return new NameResolver({ servers: [zone.address], timeoutMs: 200, tries: 1, staleMs: 30_000, clock });
}

/** Listens and counts. */
async function target(address: string, port = 0): Promise<{ readonly port: number; connections: number }> {
  const state = { port, connections: 0 };
  const server = createServer((socket) => {
    state.connections += 1;
    socket.on("error", () => { socket.destroy(); });
    socket.end("hello");
  });
  if (port === 0) state.port = await listen(server, address);
  else {
    server.listen(port, address);
    await once(server, "listening");
    state.port = (server.address() as AddressInfo).port;
  }
  closers.push(() => { server.close(); });
  return state;
}

const onlyPublic = (address: string): string | null => (address === PUBLIC ? null : "not the stand-in");

describe("a name that policy allows cannot lead inside (S01-S35, S37, N13)", () => {
  test.each([
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.16.0.1", "192.168.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "::", "::1", "::127.0.0.1", "::7f00:1", "::a9fe:a9fe", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::1", "2001::1", "fd00::1", "fe80::1", "ff02::1",
  ])("%s", async (address) => {
    zone.names[NAME] = fixed({ type: address.includes(":") ? "AAAA" : "A", data: address });
    expect((await exchange(upstream())).failure?.code).toBe("destination.forbidden");
    await expect(upstream().openTunnel("one", { kind: "name", name: NAME, port: 443 }, never)).rejects.toMatchObject({ code: "destination.forbidden" });
  });

  test("nor can the literal address, and nothing listens to it in vain", async () => {
    const inside = await target("127.0.0.1");
    expect((await exchange(upstream(), { scheme: "http", host: "127.0.0.1", port: inside.port })).failure?.code).toBe("destination.forbidden");
    expect(inside.connections).toBe(0);
  });

  test("nor to any address of this machine, even if everything is allowed", async () => {
    const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address);
    const everything = upstream({ allowAddresses: ["0.0.0.0/0", "::/0"] });
    for (const address of own) await expect(everything.openTunnel("one", { kind: "address", address, port: 1 }, never)).rejects.toMatchObject({ code: "destination.forbidden" });
    expect(own.length).toBeGreaterThan(0);
  });

  test.each([
    ["an alias to a name inside (S41)", [{ type: "CNAME", data: "internal.svc.cluster.local" }, { type: "A", name: "internal.svc.cluster.local", data: "10.96.0.1" }], "destination.forbidden"],
    ["twenty aliases that end inside (N11)", [...Array.from({ length: 20 }, (_, index) => ({ type: "CNAME", name: index === 0 ? NAME : `c${index}.test`, data: `c${index + 1}.test` })), { type: "A", name: "c20.test", data: "10.0.0.1" }], "destination.forbidden"],
    ["aliases in a circle (N11)", [{ type: "CNAME", data: "other.test" }, { type: "CNAME", name: "other.test", data: NAME }], "upstream.unresolved"],
  ] as const)("%s", async (_, records, code) => {
    zone.names[NAME] = fixed(...records as readonly ZoneRecord[]);
    expect((await exchange(upstream())).failure?.code).toBe(code);
  });
});

describe("the address that was checked is the address that is dialled (S39)", () => {
  test("a second answer is not asked for between check and dial, and the next connection is judged anew", async () => {
    const outside = await target(PUBLIC);
    const inside = await target("127.0.0.1", outside.port);
    zone.names[NAME] = (type, asked) => (type === "A" ? [{ type: "A", data: asked === 0 ? PUBLIC : "127.0.0.1", ttl: 0 }] : []);
    const locator = new Locator([], resolver(), onlyPublic);
    const connect = async (): Promise<string | undefined> => {
      const socket = await dialTcp(await locator.candidates("one", NAME, outside.port, never), never);
      socket.destroy();
      return socket.remoteAddress;
    };
    await connect();
    expect(zone.questions).toEqual([`AAAA ${NAME}`, `A ${NAME}`]);
    await expect(connect()).rejects.toMatchObject({ code: "destination.forbidden" });
    expect([outside.connections, inside.connections]).toEqual([1, 0]);
  });

  test("of several addresses, of both families, only those that pass are dialled (S43)", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "127.0.0.1" }, { type: "A", data: PUBLIC }, { type: "AAAA", data: "::1" });
    expect(await new Locator([], resolver(), onlyPublic).candidates("one", NAME, 443, never)).toEqual([{ address: PUBLIC, port: 443 }]);
  });

  test("a route of the operator wins over DNS", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "10.0.0.1" });
    const locator = new Locator([{ name: NAME, port: 443, address: "127.0.0.1", dialPort: 8_443 }], resolver(), onlyPublic);
    expect(await locator.candidates("one", NAME, 443, never)).toEqual([{ address: "127.0.0.1", port: 8_443 }]);
    await expect(locator.candidates("one", NAME, 80, never)).rejects.toMatchObject({ code: "destination.forbidden" });
    expect(zone.questions).toHaveLength(2);
  });

  test("an address that refuses gives way to the next one", async () => {
    const alive = await target("127.0.0.1");
    const socket = await dialTcp([{ address: "::1", port: alive.port }, { address: "127.0.0.3", port: alive.port }, { address: "127.0.0.1", port: alive.port }], never);
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.destroy();
    await expect(dialTcp([{ address: "127.0.0.3", port: alive.port }], never)).rejects.toMatchObject({ code: "upstream.unreachable", message: expect.stringContaining("ECONNREFUSED") as string });
  });
});

describe("names are asked of the configured servers only", () => {
  test.each([["a NUL (S45)", "api.example.test\0.evil.test"], ["a shortened address", "127.1"], ["a hexadecimal address", "0x7f.1"], ["a number", "2130706433"], ["a trailing dot", "api.example.test."], ["nothing", ""]])("%s is never asked for", async (_, name) => {
    await expect(resolver().resolve("one", name)).rejects.toMatchObject({ code: "upstream.unresolved" });
    expect((await exchange(upstream(), { host: name })).failure?.code).toBe("upstream.unresolved");
    expect(zone.questions).toEqual([]);
  });

  test("neither the hosts file nor a search list answers", async () => {
    await expect(resolver().resolve("one", "localhost")).rejects.toMatchObject({ code: "upstream.unresolved" });
    expect(zone.questions.toSorted()).toEqual(["A localhost", "AAAA localhost"]);
  });

  test("a server that drops questions for IPv6 costs a moment, not the time-out", async () => {
    zone.names[NAME] = (type) => (type === "A" ? [{ type: "A", data: "192.0.2.7" }] : "silence");
    const names = new NameResolver({ servers: [zone.address], timeoutMs: 10_000, tries: 1, staleMs: 0, clock: systemClock });
    const startedMs = performance.now();
    expect(await names.resolve("one", NAME)).toEqual(["192.0.2.7"]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    names.close();
  });

  test("a truncated answer is fetched by TCP (N09)", async () => {
    zone.isTruncating = true;
    zone.names[NAME] = fixed({ type: "A", data: "192.0.2.7" });
    expect(await resolver().resolve("one", NAME)).toEqual(["192.0.2.7"]);
    expect(zone.questions).toContain(`A ${NAME} tcp`);
  });
});

describe("answers are kept as long as they say", () => {
  const aClock = (): typeof systemClock & { advance(ms: number): void } => {
    let now = 1_000;
    return { nowMs: () => now, monotonicMs: () => now, advance: (ms) => { now += ms; } };
  };

  test("and no longer; each instance has its own", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "192.0.2.7", ttl: 20 });
    const clock = aClock();
    const names = resolver(clock);
    const asked = async (instance: string): Promise<number> => {
      await names.resolve(instance, NAME);
      return zone.questions.filter((question) => question.startsWith("A ")).length;
    };
    expect([await asked("one"), await asked("one"), await asked("two")]).toEqual([1, 1, 2]);
    clock.advance(19_000);
    expect(await asked("one")).toBe(2);
    clock.advance(1_001);
    expect(await asked("one")).toBe(3);
  });

  test("questions at the same time are one question", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "192.0.2.7" });
    const names = resolver();
    await Promise.all([1, 2, 3].map(async () => names.resolve("one", NAME)));
    expect(zone.questions).toHaveLength(2);
  });

  test("an expired one serves 30 s more while no server answers, and not after (N17)", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "192.0.2.7", ttl: 10 });
    const clock = aClock();
    const names = resolver(clock);
    await names.resolve("one", NAME);
    await zone.stop();
    clock.advance(39_000);
    expect(await names.resolve("one", NAME)).toEqual(["192.0.2.7"]);
    clock.advance(2_000);
    await expect(names.resolve("one", NAME)).rejects.toMatchObject({ code: "upstream.unresolved", message: expect.stringContaining("no DNS server answered") as string });
    await expect(names.resolve("two", NAME)).rejects.toMatchObject({ code: "upstream.unresolved" });
  });

  test("a name that is gone is gone at once, whatever was known", async () => {
    zone.names[NAME] = fixed({ type: "A", data: "192.0.2.7", ttl: 1 });
    const clock = aClock();
    const names = resolver(clock);
    await names.resolve("one", NAME);
    clock.advance(2_000);
    zone.names = {};
    await expect(names.resolve("one", NAME)).rejects.toMatchObject({ code: "upstream.unresolved" });
  });
});
