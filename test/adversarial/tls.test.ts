import { once } from "node:events";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { allow, ConnectionStand, deny, readToEnd } from "../support/connection-stand.ts";
import { alpn, clientHello, extension, records, serverNames, vector } from "../support/client-hello.ts";

let stand: ConnectionStand;
afterEach(async () => stand.close());

const ALERT = (description: number) => Buffer.from([21, 3, 3, 0, 2, 2, description]);
const UNRECOGNIZED_NAME = 112;
const DECODE_ERROR = 50;
const NO_APPLICATION_PROTOCOL = 120;

async function answerTo(bytes: Buffer, name = "api.example.com"): Promise<Buffer> {
  const client = await stand.dial(name);
  client.write(bytes);
  return readToEnd(client);
}

describe("T01 an agent cannot have a certificate minted by its server name", () => {
  const long = `${"a".repeat(63)}.`.repeat(4);
  test.each([
    ["none", []],
    ["another host", [serverNames("evil.example.com")]],
    ["an IPv4 literal", [serverNames("203.0.113.7")]],
    ["an IPv6 literal", [serverNames("2001:db8::1")]],
    ["a number", [serverNames("2130706433")]],
    ["a hexadecimal number", [serverNames("0x7f000001")]],
    ["a short address", [serverNames("127.1")]],
    ["256 bytes", [serverNames(long)]],
    ["a NUL", [serverNames("api.example.com\0.evil.com")]],
    ["a slash", [serverNames("api.example.com/x")]],
    ["a path upwards", [serverNames("../../etc/passwd")]],
    ["a wildcard", [serverNames("*.example.com")]],
    ["a trailing dot", [serverNames("api.example.com.")]],
    ["an empty label", [serverNames("api..example.com")]],
    ["a high byte", [serverNames("api.ex\xe4mple.com")]],
    ["a port", [serverNames("api.example.com:443")]],
    ["an empty name", [serverNames("")]],
    ["two names", [serverNames("api.example.com", "evil.example.com")]],
    ["a name of another type", [serverNames({ type: 1, name: "api.example.com" })]],
    ["an empty list", [extension(0, vector(2, Buffer.alloc(0)))]],
    ["an empty extension", [extension(0, Buffer.alloc(0))]],
  ])("%s: unrecognized_name", async (_what, extensions) => {
    stand = await ConnectionStand.open();
    expect(await answerTo(records(clientHello(extensions)))).toEqual(ALERT(UNRECOGNIZED_NAME));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "destination.mismatch" } });
    expect(stand.minted).toEqual([]);
  });

  test("the very name in another case is the same name", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com", { servername: "API.Example.COM" });
    await once(client, "secureConnect");
    expect(stand.minted).toEqual(["api.example.com"]);
    client.destroy();
  });

  test("a server name on a connection to an address is refused, whatever policy says of the address", async () => {
    stand = await ConnectionStand.open({ decide: () => allow() });
    expect(await answerTo(records(clientHello([serverNames("api.example.com")])), "203.0.113.7")).toEqual(ALERT(UNRECOGNIZED_NAME));
    expect(await stand.closed()).toMatchObject({ error: { code: "destination.mismatch" } });
  });

  test("D03 a synthetic address that this agent was never told stands for nothing", async () => {
    stand = await ConnectionStand.open();
    stand.names.addressFor("another-instance", "api.example.com", 4);
    expect(await answerTo(records(clientHello([serverNames("api.example.com")])), "198.18.1.0")).toEqual(ALERT(UNRECOGNIZED_NAME));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "destination.unknown" } });
  });
});

describe("T03 a ClientHello", () => {
  /** A real one, as node:tls writes it. */
  async function realHello(): Promise<{ hello: Buffer }> {
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    const wire = new Duplex({ read() {}, write(chunk: Buffer, _encoding, done) { resolve(chunk); done(); } });
    const client = connectTls({ socket: wire, servername: "api.example.com", ALPNProtocols: ["http/1.1"] });
    client.on("error", () => {});
    const hello = await promise;
    client.destroy();
    return { hello };
  }

  test("in segments of one byte gets its ServerHello", async () => {
    stand = await ConnectionStand.open();
    const { hello } = await realHello();
    const client = await stand.dial("api.example.com");
    client.setNoDelay(true);
    for (const byte of hello) {
      client.write(Buffer.from([byte]));
      await setImmediate();
    }
    const [answer] = await once(client, "data") as [Buffer];
    expect([...answer.subarray(0, 2)]).toEqual([22, 3]);
    expect(stand.minted).toEqual(["api.example.com"]);
  });

  test.each([1, 10, 100])("cut into records of %i bytes gets its ServerHello", async (fragmentBytes) => {
    stand = await ConnectionStand.open();
    const { hello } = await realHello();
    const client = await stand.dial("api.example.com");
    client.write(records(hello.subarray(5), fragmentBytes));
    const [answer] = await once(client, "data") as [Buffer];
    // OpenSSL itself refuses a flood of tiny records; what counts is that the name was found and nothing hangs.
    expect([21, 22]).toContain(answer[0]);
    expect(stand.minted).toEqual(["api.example.com"]);
  });

  test("of 60 KB is read", async () => {
    stand = await ConnectionStand.open();
    await answerTo(records(clientHello([serverNames("api.example.com")], 60_000)));
    expect(stand.minted).toEqual(["api.example.com"]);
  });

  test("of 70 KB, and one that announces 16 MB, are refused by their first bytes", async () => {
    stand = await ConnectionStand.open();
    for (const announced of [70_000, 0xff_ffff]) {
      const bytes = Buffer.from([22, 3, 1, 0x40, 0, 1, announced >> 16, (announced >> 8) & 0xff, announced & 0xff]);
      expect(await answerTo(bytes)).toEqual(ALERT(DECODE_ERROR));
    }
    expect(await stand.closed(2)).toMatchObject({ outcome: "denied", error: { code: "tls.malformed" } });
  });

  test("that does not come to its end is cut at the deadline", async () => {
    stand = await ConnectionStand.open({ config: { helloTimeoutMs: 150 } });
    expect(await answerTo(records(clientHello([serverNames("api.example.com")])).subarray(0, 40))).toEqual(ALERT(DECODE_ERROR));
    expect(await stand.closed()).toMatchObject({ error: { code: "tls.malformed" } });
  });

  test.each([
    ["a record of no bytes", Buffer.from([22, 3, 1, 0, 0])],
    ["a record over 2^14", Buffer.from([22, 3, 1, 0x40, 1, 1])],
    ["another handshake message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ["another record before its end", Buffer.concat([records(clientHello([]), 20).subarray(0, 25), Buffer.from([23, 3, 3, 0, 1, 0])])],
    ["bytes behind it in its record", records(Buffer.concat([clientHello([]), Buffer.from([1])]))],
    ["an extension twice", records(clientHello([serverNames("api.example.com"), serverNames("evil.example.com")]))],
    ["a length past its end", records(Buffer.from([1, 0, 0, 4, 3, 3, 0, 0]))],
  ])("with %s: decode_error", async (_what, bytes) => {
    stand = await ConnectionStand.open();
    expect(await answerTo(bytes)).toEqual(ALERT(DECODE_ERROR));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "tls.malformed" } });
    expect(stand.minted).toEqual([]);
  });

  test("garbage behind it ends the handshake, and the certificate is not blamed", async () => {
    stand = await ConnectionStand.open();
    const { hello } = await realHello();
    const answer = await answerTo(Buffer.concat([hello, Buffer.alloc(300, 0x41)]));
    expect(answer[0]).toBe(22);
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "tls.malformed" } });
  });

  test("in the form of SSL 2 is opaque, and opaque is not intercepted", async () => {
    stand = await ConnectionStand.open();
    const sslv2 = Buffer.from([0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10, ...Buffer.alloc(37)]);
    expect(await answerTo(sslv2)).toEqual(Buffer.alloc(0));
    expect(await stand.closed()).toMatchObject({ wire: "opaque", error: { code: "policy.denied" } });
  });

  test("of TLS 1.1 and below is refused", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
    const [error] = await once(client, "error") as [NodeJS.ErrnoException];
    expect(error.code).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    expect(await stand.closed()).toMatchObject({ error: { code: "tls.malformed" } });
  });
});

describe("T05 ALPN", () => {
  test.each([
    ["http/0.9", alpn("http/0.9")],
    ["h3", alpn("h3")],
    ["http/1.0 alone", alpn("http/1.0")],
    ["a hundred unknown ones", alpn(...Array.from({ length: 100 }, (_, index) => `p${index}`))],
    ["an empty list", extension(16, vector(2, Buffer.alloc(0)))],
  ])("%s: no_application_protocol, and nothing is minted", async (_what, list) => {
    stand = await ConnectionStand.open();
    expect(await answerTo(records(clientHello([serverNames("api.example.com"), list])))).toEqual(ALERT(NO_APPLICATION_PROTOCOL));
    expect(await stand.closed()).toMatchObject({ outcome: "denied", error: { code: "protocol.unsupported" } });
    expect(stand.minted).toEqual([]);
  });
});

describe("sessions and clients", () => {
  test("T07 a client certificate is not asked for", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com", { maxVersion: "TLSv1.2" });
    await once(client, "secureConnect");
    expect(client.getCertificate()).toEqual({});
    client.destroy();
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("I7 a %s session of one connection is not resumed by another", async (version) => {
    stand = await ConnectionStand.open();
    let session: Buffer | undefined;
    for (const expected of [false, false]) {
      const client = await stand.dialTls("api.example.com", { minVersion: version, maxVersion: version, ...(session === undefined ? {} : { session }) });
      client.on("session", (ticket) => { session = ticket; });
      await once(client, "secureConnect");
      expect(client.isSessionReused()).toBe(expected);
      client.write("GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
      await readToEnd(client);
      session ??= client.getSession();
      client.destroy();
    }
  });

  test("T27 an agent that pins the real certificate ends in a clean alert, recorded as its own refusal", async () => {
    stand = await ConnectionStand.open();
    const client = await stand.dialTls("api.example.com", { checkServerIdentity: () => new Error("pinned") });
    const [error] = await once(client, "error") as [Error];
    expect(error.message).toBe("pinned");
    const record = await stand.closed();
    expect(["tls.rejected-by-agent", undefined]).toContain(record.error?.code);
  });
});

describe("R01 silent clients", () => {
  test("hold no place: each is closed at its deadline, and the loop stays responsive", async () => {
    stand = await ConnectionStand.open({ decide: () => deny(), config: { preambleTimeoutMs: 300, serverFirstWaitMs: 50, firstBytesTimeoutMs: 300, maxConnectionsPerInstance: 400 } });
    const lag = monitorEventLoopDelay({ resolution: 5 });
    lag.enable();
    const unknown = await Promise.all(Array.from({ length: 150 }, async () => stand.raw()));
    const known = await Promise.all(Array.from({ length: 150 }, async () => stand.dial("api.example.com")));
    await Promise.all([...unknown, ...known].map(readToEnd));
    await stand.closed(300);
    lag.disable();
    expect(stand.slots.open).toBe(0);
    expect(lag.percentile(99) / 1e6).toBeLessThan(250);
    const codes = Map.groupBy(stand.records, (record) => record.kind === "connection" ? record.error?.code : "");
    expect([codes.get("identity.missing")?.length, codes.get("wire.silent")?.length]).toEqual([150, 150]);
  });

  test("a client that is slow, not silent, is served", async () => {
    const { promise: takenForSilent, resolve } = Promise.withResolvers<void>();
    const decide = ({ connection }: PolicyInput) => {
      if (connection?.wire === "http") return allow();
      resolve();
      return deny();
    };
    stand = await ConnectionStand.open({ decide, config: { serverFirstWaitMs: 20 } });
    const client = await stand.dial("api.example.com", 80);
    await takenForSilent;
    client.write("GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
    expect((await readToEnd(client)).toString()).toMatch(/^HTTP\/1.1 200/);
  });
});

describe("R03 connection limits", () => {
  test("one instance is refused at its cap while another is served", async () => {
    stand = await ConnectionStand.open({ config: { maxConnectionsPerInstance: 5 } });
    const open = [];
    for (let count = 0; count < 5; count += 1) {
      const client = await stand.dialTls("api.example.com");
      await once(client, "secureConnect");
      open.push(client);
    }
    const refused = await stand.dial("api.example.com");
    refused.write(records(clientHello([serverNames("api.example.com")])));
    await readToEnd(refused);
    expect(await stand.closed()).toMatchObject({ outcome: "failed", error: { code: "connection.limit" }, agent: { instance: "i1" } });
    const other = { ...stand.agent, instance: "i2" };
    stand.names.addressFor("i2", "api.example.com", 4);
    const served = await stand.dial("198.18.1.0", 80, { token: await stand.issuer.mint(other, 60_000) });
    served.write("GET / HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n");
    expect((await readToEnd(served)).toString()).toMatch(/^HTTP\/1.1 200/);
    for (const client of open) client.destroy();
    await stand.closed(7);
    expect(stand.slots.open).toBe(0);
  });
});
