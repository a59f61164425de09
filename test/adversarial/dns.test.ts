import { execFile } from "node:child_process";
import { promisify } from "node:util";
import dns2 from "dns2";
import { afterEach, describe, expect, test } from "vitest";
import { EgressError } from "../../proxy/errors.ts";
import { anOpt, aQuery, labels, readAnswer as read } from "../support/dns-packets.ts";
import { ALLOW, DENY, DnsStand, type StandOptions } from "../support/dns-stand.ts";

const run = promisify(execFile);
const TYPES = { a: 1, txt: 16, mx: 15, null: 10, srv: 33, cname: 5, private: 65_399, https: 65, svcb: 64, any: 255 };

const stands: DnsStand[] = [];
afterEach(async () => { for (const stand of stands.splice(0)) await stand[Symbol.asyncDispose](); });
async function open(options: StandOptions = {}): Promise<DnsStand> {
  const stand = await DnsStand.open(options);
  stands.push(stand);
  return stand;
}
const onlyListed = (options: StandOptions = {}): StandOptions => ({ ...options, decide: ({ dns }) => (dns?.name === "api.example.test" ? ALLOW : DENY) });

describe("an allowed name", () => {
  test("gets the address that stands for it, which only this instance can use", async () => {
    const stand = await open();
    const address = read(await stand.ask(aQuery())).firstAddress ?? "";
    expect(stand.names.isSynthetic(address)).toBe(true);
    expect([stand.names.nameOf("one", address), stand.names.nameOf("two", address)]).toEqual(["api.example.test", null]);
    expect(stand.records).toMatchObject([{ kind: "name", queryId: "c1.1", name: "api.example.test", type: "A", answer: address, outcome: "allowed", error: null }]);
    expect(stand.inputs[0]).toMatchObject({ version: 1, dns: { name: "api.example.test", type: "A" }, agent: { name: "agent", labels: { tier: "test" } } });
    expect(JSON.stringify(stand.inputs[0])).not.toContain("expiresAtMs");
  });

  test.each(Object.entries(TYPES).filter(([type]) => type !== "a" && type !== "any"))("has no records of type %s, so that none carries data", async (_, type) => {
    const stand = await open();
    const packet = read(await stand.ask(aQuery({ type })));
    expect([packet.rcode, packet.answers, packet.authorities?.length]).toEqual(["NOERROR", [], 1]);
  });

  test("in another letter case is the same name, and the answer repeats the case", async () => {
    const stand = await open();
    const lower = read(await stand.ask(aQuery()));
    const mixed = read(await stand.ask(aQuery({ name: labels("aPI", "exAmple", "Test") })));
    expect(mixed.questions?.[0]?.name).toBe("aPI.exAmple.Test");
    expect(mixed.firstAddress).toBe(lower.firstAddress);
  });

  test("that is no host name has no address", async () => {
    const stand = await open();
    expect(read(await stand.ask(aQuery({ name: labels("_sip", "example", "test") }))).answers).toEqual([]);
    expect(read(await stand.ask(aQuery({ name: labels("127", "1") }))).answers).toEqual([]);
  });
});

describe("a denied name (N03)", () => {
  test("looks as if it did not exist, is recorded with its rule, and says why to who speaks EDNS", async () => {
    const stand = await open(onlyListed());
    const plain = read(await stand.ask(aQuery({ name: labels("evil", "test") })));
    expect([plain.rcode, plain.answers, plain.authorities?.length]).toEqual(["NXDOMAIN", [], 1]);
    const packet = read(await stand.ask(aQuery({ name: labels("evil", "test"), tail: anOpt() })));
    expect(packet.extendedError).toEqual({ code: 18, text: "names.default: name not listed" });
    expect(stand.records[0]).toMatchObject({ outcome: "denied", answer: null, error: { code: "policy.denied", rule: "names.default", reason: "name not listed" } });
  });

  test("is denied for every type alike", async () => {
    const stand = await open(onlyListed());
    for (const type of [1, 28, 16, 65, 10]) expect(read(await stand.ask(aQuery({ name: labels("evil", "test"), type }))).rcode).toBe("NXDOMAIN");
  });

  test("with a search domain behind it stays on the node (N15)", async () => {
    const stand = await open(onlyListed());
    expect(read(await stand.ask(aQuery({ name: labels("api", "example", "test", "ns", "svc", "cluster", "local") }))).rcode).toBe("NXDOMAIN");
  });
});

describe("a malformed query is answered with a code only, and never reaches policy", () => {
  test.each([
    ["a dot inside a label (N05)", aQuery({ name: labels("api.example", "test") }), "REFUSED"], ["a NUL", aQuery({ name: labels("api\0", "example", "test") }), "REFUSED"],
    ["a space", aQuery({ name: labels("a pi", "test") }), "REFUSED"], ["a backslash", aQuery({ name: labels("a\\046b", "test") }), "REFUSED"], ["0xE4", aQuery({ name: labels("\xe4pi", "test") }), "REFUSED"],
    ["ANY", aQuery({ type: TYPES.any }), "REFUSED"], ["class CHAOS", aQuery({ class: 3 }), "REFUSED"], ["a compression pointer", aQuery({ name: Buffer.from([0xc0, 12]) }), "FORMERR"],
    ["two questions", aQuery({ counts: [2, 0, 0, 0] }), "FORMERR"], ["an update", aQuery({ flags: 0x2800 }), "NOTIMP"], ["a huge OPT", aQuery({ tail: anOpt({ length: 65_535 }) }), "FORMERR"],
  ])("%s", async (_, message, rcode) => {
    const stand = await open();
    const answer = await stand.ask(message);
    expect([answer.readUInt16BE(0), (answer[2]! & 0x80) !== 0, ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"][answer[3]! & 15]]).toEqual([0x1234, true, rcode]);
    expect(stand.inputs).toEqual([]);
    expect(stand.records).toMatchObject([{ outcome: "denied", name: null, answer: null, error: { code: "name.malformed" } }]);
  });

  test("an answer sent as a query gets no answer (no loops), and the next query does", async () => {
    const stand = await open();
    const client = await stand.connect();
    client.send(aQuery({ id: 1, flags: 0x8180 }));
    client.send(aQuery({ id: 2 }));
    expect((await client.next()).readUInt16BE(0)).toBe(2);
    expect(stand.records.map(({ outcome }) => outcome)).toEqual(["denied", "allowed"]);
    client.socket.destroy();
  });

  test("a message that claims 60 kB ends the connection", async () => {
    const stand = await open();
    const client = await stand.connect();
    client.socket.write(Buffer.from([0xea, 0x60, 0, 0]));
    await expect(client.next()).rejects.toThrow("without an answer");
    expect(stand.ends).toMatchObject([{ code: "name.malformed" }]);
  });
});

describe("a flood (N01)", () => {
  test("of unique names is refused past the limit, recorded once, and does not touch another instance", async () => {
    const stand = await open({ config: { queriesPerSecond: 1, queryBurst: 5 } });
    const client = await stand.connect();
    const codes: string[] = [];
    for (let index = 0; index < 20; index += 1) {
      client.send(aQuery({ id: index, name: labels(`x${index}`, "tunnel", "test") }));
      codes.push(read(await client.next()).rcode);
    }
    expect(codes).toEqual([...Array.from({ length: 5 }, () => "NOERROR"), ...Array.from({ length: 15 }, () => "REFUSED")]);
    expect(stand.records.filter(({ error }) => error?.code === "name.flood")).toHaveLength(1);
    client.socket.destroy();
  });
});

describe("what goes wrong inside is never an answer", () => {
  test.each([["policy", { decide: () => { throw new EgressError("policy.unavailable", "trap"); } }, "policy.unavailable"], ["a fault of ours", { decide: () => { throw new TypeError("bug"); } }, "internal"]] as const)("%s", async (_, options, code) => {
    const stand = await open(options);
    const packet = read(await stand.ask(aQuery()));
    expect([packet.rcode, packet.answers]).toEqual(["SERVFAIL", []]);
    expect(stand.records).toMatchObject([{ outcome: "failed", error: { code } }]);
  });

  test("no record, no answer", async () => {
    const stand = await open({ isAuditBroken: true });
    expect(read(await stand.ask(aQuery()))).toMatchObject({ rcode: "SERVFAIL", answers: [] });
    expect(read(await stand.ask(aQuery({ name: labels("a b") })))).toMatchObject({ rcode: "REFUSED" });
  });
});

test("an identity that expired while the connection was open gets nothing more", async () => {
  let now = 1_000;
  const stand = await open({ clock: { nowMs: () => now, monotonicMs: () => now }, identityExpiresAtMs: 2_000 });
  const client = await stand.connect();
  client.send(aQuery());
  expect(read(await client.next()).rcode).toBe("NOERROR");
  now = 2_000;
  client.send(aQuery());
  expect(read(await client.next())).toMatchObject({ rcode: "REFUSED", answers: [] });
  expect(stand.records.at(-1)).toMatchObject({ outcome: "denied", error: { code: "identity.expired" } });
  client.socket.destroy();
});

describe("a connection", () => {
  test("answers in order what comes in one packet or byte by byte", async () => {
    const stand = await open();
    const client = await stand.connect();
    for (const id of [1, 2, 3]) client.send(aQuery({ id }));
    for (const byte of Buffer.concat([Buffer.from([0, aQuery().length]), aQuery({ id: 4 })])) client.socket.write(Buffer.from([byte]));
    const ids: number[] = [];
    for (let count = 0; count < 4; count += 1) ids.push((await client.next()).readUInt16BE(0));
    expect(ids).toEqual([1, 2, 3, 4]);
    client.socket.end();
    await expect.poll(() => stand.ends).toEqual([null]);
    expect(stand.exchanges).toBe(4);
  });

  test("that is silent is given up", async () => {
    const stand = await open({ config: { idleTimeoutMs: 100 } });
    const client = await stand.connect();
    client.socket.write(Buffer.from([0]));
    await expect(client.next()).rejects.toThrow("without an answer");
    await expect.poll(() => stand.ends).toEqual([null]);
  });

  test("ends when the program drains, and fails with the reason of its signal", async () => {
    const stand = await open();
    const client = await stand.connect();
    client.send(aQuery());
    await client.next();
    stand.drain.abort();
    await expect.poll(() => stand.ends).toEqual([null]);

    const revoked = await open();
    const cut = await revoked.connect();
    cut.send(aQuery());
    await cut.next();
    revoked.ending.abort(new EgressError("identity.expired", "gone"));
    await expect.poll(() => revoked.ends).toMatchObject([{ code: "identity.expired" }]);
  });
});

describe("clients of others", () => {
  test("dig, over datagrams and over TCP, understands answers and refusals", async () => {
    const stand = await open(onlyListed());
    const relay = await stand.relayDatagrams();
    const dig = async (...args: string[]): Promise<string> => (await run("dig", ["@127.0.0.1", "+tries=1", "+time=5", ...args])).stdout;
    const udp = ["-p", String(relay.port)];
    expect((await dig(...udp, "+short", "api.example.test")).trim()).toMatch(/^198\.1[89]\./);
    expect((await dig(...udp, "+short", "api.example.test", "AAAA")).trim()).toMatch(/^fd00:5765:6972::/);
    const denied = await dig(...udp, "evil.test", "TXT");
    expect(denied).toContain("status: NXDOMAIN");
    expect(denied).toMatch(/EDE: 18 \(Prohibited\).*names.default/);
    expect(await dig(...udp, "api.example.test", "HTTPS")).toMatch(/status: NOERROR[^]*ANSWER: 0/);
    expect(await dig(...udp, "+edns=5", "+noednsneg", "api.example.test")).toContain("status: BADVERS");
    expect((await dig("-p", String(stand.port), "+tcp", "+short", "api.example.test")).trim()).toMatch(/^198\.1[89]\./);
    relay.close();
  });

  test("dns2 understands answers and refusals", async () => {
    const stand = await open(onlyListed());
    const relay = await stand.relayDatagrams();
    const resolve = dns2.UDPClient({ dns: "127.0.0.1", port: relay.port });
    const answer = await resolve("api.example.test");
    expect(answer.answers[0]).toMatchObject({ address: expect.stringMatching(/^198\.1[89]\./) as string });
    expect((await resolve("evil.test")).header.rcode).toBe(3);
    relay.close();
  });
});
