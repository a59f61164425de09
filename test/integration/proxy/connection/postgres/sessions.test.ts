import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPostgres, type PostgresServer } from "../../../../support/postgres-server.ts";
import { DATABASE_HOST, entryOf, PASSWORD, startPostgresStand, type PostgresStand } from "../../../../support/postgres-stand.ts";
import type { Stand } from "../../../../support/running-proxy.ts";
import { mintAuthority, type TestAuthority } from "../../../../support/tls-authority.ts";
import { auditText, connectionsOf, eventually, LivePolicy, Received } from "../../../../support/whole-proxy.ts";

/** Real clients and a real PostgreSQL with TLS and SCRAM, and the boundary between them. */

let authority: TestAuthority;
let server: PostgresServer;
let boundary: PostgresStand;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weir-sessions-"));
  authority = await mintAuthority();
  server = await startPostgres(await authority.leaf([DATABASE_HOST]));
  await asOwner(`create role app login password '${PASSWORD}'`, "create database app owner app", "create database payroll owner app");
  boundary = await startPostgresStand({ authority, dialPort: server.port });
});

afterAll(async () => {
  await boundary[Symbol.asyncDispose]();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Without what was asked of the proxy's DNS before. */
const sessionsOf = (stand: Stand, phase: "opened" | "closed" = "closed") => connectionsOf(stand.records, phase).filter(({ wire }) => wire === "postgres");

/** An end is what is waited for; that it is an error as well says nothing new. */
async function endOf(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.once("end", resolve);
  await promise;
}

async function asOwner(...statements: string[]): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

describe("psql in the agent", () => {
  test("is logged in by the boundary, whoever it says it is", async () => {
    const ran = await boundary.psql(["-c", "select current_user, current_database()"]);
    expect(ran).toEqual({ code: 0, stdout: "app|app\n", stderr: "" });
  });

  test.each(["disable", "prefer", "require"])("may speak sslmode=%s to the boundary, and is inside TLS behind it all the same", async (sslmode) => {
    const ran = await boundary.psql(["-c", "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"], { sslmode });
    expect(ran).toEqual({ code: 0, stdout: "t|TLSv1.3\n", stderr: "" });
  });

  test("keeps its own settings", async () => {
    const ran = await boundary.psql(["-c", "show application_name", "-c", "show statement_timeout", "-c", "show client_encoding"],
      { application_name: "report", options: "-c statement_timeout=7s", client_encoding: "LATIN1" });
    expect(ran.stdout).toBe("report\n7s\nLATIN1\n");
  });

  test("copies 30 MB in and out unchanged", async () => {
    const script = "create temp table big(n int, filler text); insert into big select n, repeat('x', 200) from generate_series(1, 150000) n";
    const file = join(folder, "big.csv");
    const ran = await boundary.psql(["-c", script, "-c", `\\copy big to '${file}'`, "-c", "truncate big", "-c", `\\copy big from '${file}'`, "-c", "select count(*), sum(n), sum(length(filler)) from big"]);
    expect(ran).toEqual({ code: 0, stdout: "150000|11250075000|30000000\n", stderr: "" });
    expect(statSync(file).size).toBeGreaterThan(30_000_000);
  });

  test("stops its statement with Ctrl-C", async () => {
    const running = boundary.psql(["-c", "select pg_sleep(60)"], {}, async (child) => {
      await eventually("it sleeps", async () => (await asOwner("select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'")).length === 1);
      child.kill("SIGINT");
    });
    expect(await running).toMatchObject({ code: 1, stderr: expect.stringContaining("canceling statement due to user request") });
  });

  test("is told which rule refuses another database, and what to do", async () => {
    const refused = await boundary.psql(["-c", "select 1"], { dbname: "payroll" });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/FATAL: +denied by the boundary: database payroll as user anybody is not allowed at db\.example\.test\nDETAIL: +Rule db\.app\. Weir request \S+\.\nHINT: +databases: app/);
    expect((await boundary.psql(["-c", "select 1"])).code).toBe(0);
  });

  test("is told why it may not connect at all, if it goes on without TLS", async () => {
    await using elsewhere = await startPostgresStand({ authority, dialPort: server.port, entry: { agents: ["other/agent"] } });
    expect((await elsewhere.psql(["-c", "select 1"], { sslmode: "prefer" })).stderr).toContain("agent test/agent may not use db.example.test");
    expect((await elsewhere.psql(["-c", "select 1"])).stderr).toContain("server does not support SSL");
  });

  test("may not replicate", async () => {
    const refused = await boundary.psql(["-c", "IDENTIFY_SYSTEM"], { replication: "database" });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("Replication is not lent to agents.") });
  });

  test("finds the server again after a restart", async () => {
    const client = await boundary.connect();
    const ended = endOf(client);
    await server.restart("crash");
    await ended;
    expect((await boundary.psql(["-c", "select 1"])).stdout).toBe("1\n");
  });
});

describe("the pg client of Node", () => {
  test("asks with parameters, listens and is notified", async () => {
    const [listener, speaker] = await Promise.all([boundary.connect(), boundary.connect()]);
    expect((await speaker.query("select $1::int + 1 as next", [41])).rows).toEqual([{ next: 42 }]);
    await listener.query("listen news");
    const heard = once(listener, "notification");
    await speaker.query("select pg_notify('news', 'it came through')");
    expect(await heard).toMatchObject([{ channel: "news", payload: "it came through" }]);
    await Promise.all([listener.end(), speaker.end()]);
  });

  test("is refused with the SQLSTATE of its kind", async () => {
    await expect(boundary.connect({ database: "payroll" })).rejects.toMatchObject({ code: "28000", detail: expect.stringContaining("Rule db.app.") });
    await using bound = await startPostgresStand({ authority, dialPort: server.port, entry: { databases: ["*"] } });
    await expect(bound.connect({ database: "payroll" })).rejects.toMatchObject({ code: "28000", detail: expect.stringContaining("Rule grant.db."), message: expect.stringContaining("database payroll is not in its binding") });
    await using named = await startPostgresStand({ authority, dialPort: server.port, bind: { users: ["reader"] } });
    await expect(named.connect()).rejects.toMatchObject({ code: "28000", message: expect.stringContaining("user anybody is not in its binding") });
    await (await named.connect({ user: "reader" })).end();
  });

  test("is told in the boundary's words that a database does not exist", async () => {
    await using anywhere = await startPostgresStand({ authority, dialPort: server.port, entry: { databases: ["*"] }, bind: { databases: ["*"] } });
    await expect(anywhere.connect({ database: "nowhere" })).rejects.toMatchObject({ code: "3D000", message: "The database does not exist." });
  });

  test("is not told what the server says of a login that it does not take", async () => {
    await asOwner("alter role app nologin");
    const refused = await boundary.connect().then(() => null, (error: Error & { code: string }) => error);
    await asOwner("alter role app login");
    expect(refused).toMatchObject({ code: "57P03", message: expect.stringContaining("The credential for this destination could not be obtained.") });
    expect(JSON.stringify([refused, refused?.message])).not.toMatch(/role|app\b/);
  });
});

describe("a client that greets in another way", () => {
  const startup = Buffer.from("\0\0\0\x1d\0\x03\0\0user\0a\0database\0app\0\0", "latin1");

  test("opens TLS at once, with the protocol's name in it", async () => {
    const client = connectTls({ socket: dial(), ca: boundary.stand.proxy.caPem, servername: DATABASE_HOST, ALPNProtocols: ["postgresql"] });
    client.on("error", () => undefined).write(startup);
    const received = new Received(client);
    await eventually("it is let in", () => received.text.endsWith("Z\0\0\0\x05I"));
    expect(client.alpnProtocol).toBe("postgresql");
    client.destroy();
  });

  test("asks for GSSAPI first, is told no, and goes on", async () => {
    const socket = dial();
    const received = new Received(socket);
    socket.write(Buffer.from("\0\0\0\x08\x04\xd2\x16\x30", "latin1"));
    await eventually("it is answered", () => received.text === "N");
    socket.write(startup);
    await eventually("it is let in", () => received.text.endsWith("Z\0\0\0\x05I"));
    socket.destroy();
  });

  test("names another server inside TLS, and is not let in", async () => {
    const socket = dial();
    const received = new Received(socket);
    socket.write(Buffer.from("\0\0\0\x08\x04\xd2\x16\x2f", "latin1"));
    await eventually("it is answered", () => received.text === "S");
    socket.removeAllListeners("data");
    const client = connectTls({ socket, ca: boundary.stand.proxy.caPem, servername: "other.example.test", checkServerIdentity: () => undefined });
    client.on("error", () => undefined).write(startup);
    const inside = new Received(client);
    await inside.ended.promise;
    expect(inside.text).toBe("");
    await eventually("it is recorded", () => sessionsOf(boundary.stand).some(({ error }) => error?.code === "destination.mismatch"));
  });

  const dial = (): Socket => connect({ port: boundary.doorPort, host: "127.0.0.1" }).on("error", () => undefined);
});

describe("a session", () => {
  test("is on record before its login and when it ends, without a secret", async () => {
    await using recorded = await startPostgresStand({ authority, dialPort: server.port });
    const client = await recorded.connect({ application_name: "ledger" });
    const [opened] = sessionsOf(recorded.stand, "opened");
    const session = { user: "anybody", database: "app", applicationName: "ledger", credentials: [expect.stringMatching(/^db@.+#.+/)] };
    expect(opened).toMatchObject({ wire: "postgres", handling: "postgres", session: { ...session, upstreamAddress: null }, decision: { grants: ["db"], rule: "db.app" } });
    await client.query("select 1");
    await client.end();
    await eventually("it is closed", () => sessionsOf(recorded.stand).length === 1);
    const [closed] = sessionsOf(recorded.stand);
    expect(closed).toMatchObject({ outcome: "allowed", exchanges: 1, session: { ...session, upstreamAddress: "127.0.0.1" } });
    expect(closed?.usage.requestBytes).toBeGreaterThan(10);
    expect(closed?.usage.responseBytes).toBeGreaterThan(10);
    expect(auditText(recorded.stand)).toContain("\"database\":\"app\"");
    expect(auditText(recorded.stand)).not.toContain("canary");
  });

  test("ends when policy no longer lends its login", async () => {
    using policy = new LivePolicy({ hosts: [entryOf()] });
    await using live = await startPostgresStand({ authority, dialPort: server.port, config: { policy: policy.config } });
    const client = await live.connect();
    const ended = endOf(client);
    policy.write({ hosts: [entryOf({ databases: ["payroll"] })] });
    await ended;
    await eventually("it is recorded", () => sessionsOf(live.stand).length === 1);
    expect(sessionsOf(live.stand)).toMatchObject([{ error: { code: "policy.denied", rule: "db.app" } }]);
    await expect(live.connect()).rejects.toMatchObject({ code: "28000" });
  });

  test("ends at the edge of its budget", async () => {
    await using poor = await startPostgresStand({ authority, dialPort: server.port, entry: { budgets: ["small"] }, budgets: { named: { small: { meter: "bytes", limit: 100_000 } } } });
    const client = await poor.connect();
    const ended = endOf(client);
    await expect(client.query("select repeat('x', 1000000)")).rejects.toThrow("Connection terminated");
    await ended;
    await eventually("it is recorded", () => sessionsOf(poor.stand)[0]?.error?.code === "budget.exhausted");
  });
});

describe("a cancel request", () => {
  test("of another instance does nothing, of its own cancels", async () => {
    const client = await boundary.connect();
    const { processID: shown, secretKey } = client as Client & { processID: number; secretKey: number };
    const sleeping = client.query("select pg_sleep(60)").then(() => null, (error: Error) => error);
    const isAsleep = async () => (await asOwner("select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'")).length === 1;
    await eventually("it sleeps", isAsleep);
    const [backend] = await asOwner("select pid from pg_stat_activity where query = 'select pg_sleep(60)'");
    expect(shown).not.toBe(backend?.["pid"]);
    boundary.instance = "i2";
    await cancel(boundary.doorPort, shown, secretKey);
    boundary.instance = "i1";
    await cancel(boundary.doorPort, shown, secretKey ^ 1);
    await cancel(boundary.doorPort, Number(backend?.["pid"]), secretKey);
    expect(await isAsleep()).toBe(true);
    await cancel(boundary.doorPort, shown, secretKey);
    expect(await sleeping).toMatchObject({ code: "57014" });
    await client.end();
  });
});

/** Shows a key, and waits until the connection is over. */
async function cancel(port: number, processId: number, key: number): Promise<void> {
  const packet = Buffer.alloc(16);
  packet.writeUInt32BE(16, 0);
  packet.writeUInt32BE(80_877_102, 4);
  packet.writeInt32BE(processId, 8);
  packet.writeInt32BE(key, 12);
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {}).resume();
  socket.write(packet);
  await once(socket, "close");
}
