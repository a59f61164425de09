import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authentication, errorResponse, message, ready, startImpostor, uint32, type Deviation, type Impostor } from "../support/postgres-impostor.ts";
import { DATABASE_HOST, PASSWORD, startPostgresStand, type PostgresStand } from "../support/postgres-stand.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { auditText, connectionsOf, eventually, Received } from "../support/whole-proxy.ts";

let authority: TestAuthority;
let impostor: Impostor;
let boundary: PostgresStand;

beforeAll(async () => {
  authority = await mintAuthority();
  impostor = await startImpostor(await authority.leaf([DATABASE_HOST]), PASSWORD);
  boundary = await startPostgresStand({ authority, dialPort: impostor.port, config: { connection: { loginTimeoutMs: 1_500, helloTimeoutMs: 500, handshakeTimeoutMs: 500 } } });
});

afterAll(async () => {
  await boundary[Symbol.asyncDispose]();
  await impostor[Symbol.asyncDispose]();
});

/** What an agent is told of a server that deviates; null if it is let in. */
async function told(deviation: Deviation): Promise<{ readonly code: string; readonly message: string } | null> {
  impostor.deviation = deviation;
  return boundary.connect().then(
    (client) => {
      void client.end().catch(() => undefined);
      return null;
    },
    (error: Error & { code: string }) => ({ code: error.code, message: error.message }),
  );
}

describe("P01 the lent password goes to no server that is not its own", () => {
  test("one that does right is given a proof, bound to its certificate, and never the password", async () => {
    expect(await told({})).toBe(null);
    expect(impostor.proofs).toBe(1);
    expect(impostor.heard).toContain("SCRAM-SHA-256-PLUS");
    expect(impostor.heard).toContain("user\0app\0database\0app\0");
    expect(Buffer.from(impostor.heard, "latin1").toString()).not.toContain("canary");
  });

  test("one that cannot bind to its certificate is told that the client could have", async () => {
    expect(await told({ mechanisms: ["SCRAM-SHA-256"] })).toBe(null);
    expect(impostor.heard).toContain("y,,n=,r=");
  });

  test.each([
    ["says that it has no TLS", { sslAnswer: "N" }],
    ["answers the request for TLS with an error", { sslAnswer: "E\0\0\0\x0a" }],
    ["puts words in clear behind its yes", { sslAnswer: "SR\0\0\0\x08\0\0\0\0" }],
  ])("one that %s hears nothing but the request", async (_, deviation) => {
    expect(await told(deviation)).toMatchObject({ code: "08006" });
    expect(impostor.heard).toBe("\0\0\0\x08\x04\xd2\x16\x2f");
  });

  test.each([
    ["of another name", async () => authority.leaf(["other.example.test"])],
    ["of another CA", async () => (await mintAuthority()).leaf([DATABASE_HOST])],
    ["that has expired", async () => authority.leaf([DATABASE_HOST], { notAfter: new Date(Date.now() - 60_000) })],
  ])("one with a certificate %s hears nothing but the request", async (_, leaf) => {
    await using other = await startImpostor(await leaf(), PASSWORD);
    await using stand = await startPostgresStand({ authority, dialPort: other.port });
    await expect(stand.connect()).rejects.toMatchObject({ code: "08006", message: expect.stringContaining("certificate") });
    expect(other.heard).toBe("\0\0\0\x08\x04\xd2\x16\x2f");
  });

  test.each([
    ["the password in clear", authentication(3)],
    ["an MD5 of it", authentication(5, "salt")],
    ["nothing at all", Buffer.concat([authentication(0), ready()])],
    ["GSSAPI", authentication(7)],
    ["a word of no kind", message("R", Buffer.alloc(2))],
    ["what belongs to a session", message("D", Buffer.alloc(2))],
  ])("one that asks for %s hears user and database and no proof", async (_, insteadOfSasl) => {
    expect(await told({ insteadOfSasl })).toMatchObject({ code: "08006" });
    expect(impostor.proofs).toBe(0);
    expect(impostor.heard).not.toMatch(/SCRAM|md5|canary/);
  });

  test.each<[string, Deviation]>([
    ["offers no mechanism that is known", { mechanisms: ["SCRAM-SHA-1", "PLAIN"] }],
    ["answers with a nonce of its own", { serverFirst: (right) => right.replace(/^r=./, "r=!") }],
    ["adds nothing to the nonce", { serverFirst: (right) => right.replace(/^(r=.{24})[^,]*/, "$1") }],
    ["asks for one iteration", { serverFirst: (right) => right.replace("i=4096", "i=1") }],
    ["asks for work without end", { serverFirst: (right) => right.replace("i=4096", "i=2147483647") }],
    ["adds an extension", { serverFirst: (right) => `m=x,${right}` }],
    ["sends a salt of nothing", { serverFirst: (right) => right.replace(/s=[^,]*/, "s=AAAA") }],
  ])("one that %s is given no proof", async (_, deviation) => {
    expect(await told(deviation)).toMatchObject({ code: "08006" });
    expect(impostor.proofs).toBe(0);
    expect(impostor.heard).not.toContain(",p=");
  });
});

describe("P02 a server that does not know the password is not believed", () => {
  test.each<[string, Deviation]>([
    ["proves something else", { serverFinal: () => `v=${Buffer.alloc(32, 1).toString("base64")}` }],
    ["proves too little", { serverFinal: (right) => right.slice(0, -8) }],
    ["says that it failed", { serverFinal: () => "e=other-error" }],
    ["adds to its proof", { serverFinal: (right) => `${right},x=1` }],
    ["leaves its proof out", { skipsFinal: true }],
  ])("one that %s", async (_, deviation) => {
    expect(await told(deviation)).toMatchObject({ code: "08006" });
  });

  test("one that ends another TLS connection than ours", async () => {
    expect(await told({ endPoint: (right) => Buffer.from(right.map((byte) => byte ^ 1)) })).toMatchObject({ code: "08006" });
    expect(impostor.proofs).toBe(0);
  });
});

describe("P03 nothing of what a server says before a session reaches the agent but the settings of the session", () => {
  test.each<[string, Deviation, string]>([
    ["an error before the login", { insteadOfSasl: errorResponse("28P01", "CANARY app") }, "57P03"],
    ["an error of a code that is none", { insteadOfSasl: errorResponse("x'--", "CANARY") }, "08006"],
    ["an error after the login", { afterwards: [errorResponse("3D000", "CANARY")] }, "3D000"],
    ["a notice", { afterwards: [message("N", Buffer.from("SNOTICE\0MCANARY\0\0")), errorResponse("53300", "CANARY")] }, "53300"],
  ])("%s", async (_, deviation, code) => {
    const answer = await told(deviation);
    expect(answer).toMatchObject({ code });
    expect(JSON.stringify(answer)).not.toContain("CANARY");
  });

  test("the numbers that cancel at the server are not shown", async () => {
    impostor.deviation = {};
    const client = await boundary.connect() as unknown as { processID: number; secretKey: number; end(): Promise<void> };
    expect([client.processID, client.secretKey]).not.toEqual([7, 8]);
    void client.end().catch(() => undefined);
  });
});

describe("P04 a server cannot hold a place or fill memory", () => {
  test.each<[string, Deviation]>([
    ["says nothing to the request for TLS", { sslAnswer: "" }],
    ["says nothing after TLS", { insteadOfSasl: Buffer.alloc(0) }],
    ["never is ready", { afterwards: [] }],
    ["announces 2 GB", { insteadOfSasl: Buffer.from("R\x7f\xff\xff\xff") }],
    ["announces 3 bytes", { insteadOfSasl: Buffer.from("R\0\0\0\x03") }],
    ["sends settings without end", { afterwards: Array.from({ length: 300 }, () => message("S", Buffer.from("a\0b\0"))) }],
    ["sends notices without end", { afterwards: Array.from({ length: 300 }, () => message("N", Buffer.from("\0"))) }],
    ["sends a cancel key of 300 bytes", { afterwards: [message("K", Buffer.alloc(300)), ready()] }],
  ])("one that %s", async (_, deviation) => {
    const startedMs = performance.now();
    expect(await told(deviation)).toMatchObject({ code: "08006" });
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  });
});

describe("P05 an agent cannot get past the greeting with", () => {
  const SSL = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
  const GSS = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]);
  const startup = (fields: string, version = 0x3_0000) => {
    const body = Buffer.concat([uint32(version), Buffer.from(fields)]);
    return Buffer.concat([uint32(4 + body.byteLength), body]);
  };

  test.each([
    ["words behind its request for TLS", Buffer.concat([SSL, startup("user\0a\0\0")])],
    ["two requests for GSSAPI", Buffer.concat([GSS, GSS])],
    ["a startup packet that is not whole", startup("user\0a\0\0").subarray(0, 12)],
    ["a cancel request of nobody's", Buffer.from([0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 7, 0, 0, 0, 8])],
  ])("%s: it is not answered", async (_, bytes) => {
    const { answer } = await sent(bytes);
    expect(answer.toString("latin1")).not.toMatch(/[RZ]/);
  });

  test.each([
    ["no end", startup("user\0a\0"), "08P01"],
    ["a name twice", startup("user\0a\0user\0b\0\0"), "08P01"],
    ["another spelling of a name", startup("user\0a\0DATABASE\0payroll\0\0"), "08P01"],
    ["bytes that are no UTF-8", Buffer.concat([startup("user\0a\0x\0").subarray(0, 0), Buffer.from("\0\0\0\x10\0\x03\0\0user\0\xff\0\0", "latin1")]), "08P01"],
    ["a name of 64 bytes", startup(`user\0${"a".repeat(64)}\0\0`), "08P01"],
    ["replication", startup("user\0a\0database\0app\0replication\0false\0\0"), "0A000"],
    ["a cluster in its options", startup("user\0a\0database\0app\0options\0--cluster=other\0\0"), "0A000"],
    ["version 3.0's next", startup("user\0a\0database\0app\0_pq_.x\0\x01\0\0", 0x3_0002), null],
  ])("a startup packet with %s", async (_, bytes, sqlState) => {
    impostor.deviation = {};
    const { answer, socket } = await sent(bytes);
    socket.destroy();
    if (sqlState === null) expect(answer.toString("latin1")).toContain("v\0\0\0\x13\0\x03\0\0\0\0\0\x01_pq_.x\0R");
    else expect(answer.toString("latin1")).toContain(`C${sqlState}\0`);
  });

  test("nothing but the same in single bytes, which is let in", async () => {
    impostor.deviation = {};
    const socket = connect({ port: boundary.doorPort, host: "127.0.0.1", noDelay: true });
    const received = new Received(socket.on("error", () => {}));
    for (const byte of startup("user\0a\0database\0app\0\0")) {
      socket.write(Buffer.from([byte]));
      await setImmediate();
    }
    await eventually("it is let in", () => received.text.endsWith("Z\0\0\0\x05I"));
    socket.destroy();
  });

  test("the first bytes of a session and silence: its place goes to others", async () => {
    const socket = connect({ port: boundary.doorPort, host: "127.0.0.1" });
    const received = new Received(socket.on("error", () => {}));
    socket.write(SSL);
    await eventually("it is answered", () => received.text === "S");
    await received.ended.promise;
    expect(received.text).toBe("S");
  });

  async function sent(bytes: Buffer): Promise<{ answer: Buffer; socket: Socket }> {
    const socket = connect({ port: boundary.doorPort, host: "127.0.0.1" });
    socket.on("error", () => {}).write(bytes);
    const seen: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => { seen.push(chunk); });
    await Promise.race([once(socket, "close"), eventually("it is let in", () => Buffer.concat(seen).includes("Z\0\0\0\x05I"), 4_000)]);
    return { answer: Buffer.concat(seen), socket };
  }
});

test("P06 no record of all that holds the password, and each session has one that is closed", async () => {
  await eventually("all are closed", () => connectionsOf(boundary.stand.records, "opened").length <= connectionsOf(boundary.stand.records).length);
  expect(auditText(boundary.stand)).not.toContain("canary");
});
