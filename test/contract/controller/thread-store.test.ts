import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../common/config.ts";
import { UserError } from "../../../common/exit-codes.ts";
import { silentLog } from "../../../common/log.ts";
import { StoreUnavailable } from "../../../common/sql/sql-driver.ts";
import { threadsConfig, type ThreadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../support/postgres-server.ts";
import { aMessage, describeThreadStore } from "./thread-store-suite.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const THREAD = { uid: "u1", namespace: "default", name: "t1", agent: "a", owner: "alice", parentUid: null };
const isCi = readEnvironment()["CI"] === "1";

describeThreadStore("PGlite", async () => openThreadStore(threadsConfig.parse({}), silentLog));

describe("the embedded database", () => {
  test("keeps its threads in the folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-threads-"));
    try {
      const config = threadsConfig.parse({ directory: join(folder, "data") });
      const before = await openThreadStore(config, silentLog);
      await before.ensureThread(THREAD, NOW_MS);
      await before.post("u1", aMessage({ body: "kept" }), NOW_MS);
      await before.close();
      const after = await openThreadStore(config, silentLog);
      expect((await after.pending("u1", 10)).map(({ body }) => body)).toEqual(["kept"]);
      await after.close();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("that is a file of somebody else is an error that says so", async () => {
    await expect(openThreadStore(threadsConfig.parse({ directory: "/dev/null/x" }), silentLog)).rejects.toBeInstanceOf(UserError);
  });

  test("and a URL exclude each other", () => {
    expect(threadsConfig.safeParse({ directory: "/a", urlFile: "/b" }).success).toBe(false);
    expect(threadsConfig.safeParse({ urlFile: "/b" }).success).toBe(true);
  });
});

test("PostgreSQL is here where it must be", (context) => {
  if (!hasPostgres() && !isCi) context.skip("no PostgreSQL 15 here (Debian package postgresql-15)");
  expect(hasPostgres()).toBe(true);
});

describe.runIf(hasPostgres())("PostgreSQL", () => {
  let server: PostgresServer;
  let folder: string;
  const configFor = async (url: string, over: Partial<ThreadsConfig> = {}) => {
    const urlFile = join(folder, `url-${Math.random()}`);
    await writeFile(urlFile, `${url}\n`);
    return threadsConfig.parse({ urlFile, statementTimeoutMs: 5_000, connectTimeoutMs: 2_000, ...over });
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "weir-threads-"));
    server = await startPostgres();
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  describeThreadStore("PostgreSQL", async () => openThreadStore(await configFor(server.url), silentLog));

  const aDatabase = async (name: string) => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    return server.url.replace(/[^/]*$/, name);
  };

  test("is migrated once by controllers that start at once, and each hears what another commits", async () => {
    const config = await configFor(await aDatabase("together"));
    const stores = await Promise.all(Array.from({ length: 5 }, async () => openThreadStore(config, silentLog)));
    const [writer, reader] = [stores[0]!, stores[1]!];
    const heard: string[] = [];
    reader.onSignal((uid) => { heard.push(uid); });
    await writer.ensureThread(THREAD, NOW_MS);
    await expect.poll(() => heard).toContain("u1");
    await Promise.all(Array.from({ length: 40 }, async (_, index) => stores[index % 5]?.post("u1", aMessage({ body: `${index}` }), NOW_MS)));
    expect((await reader.messages("u1", { afterSeq: 0, limit: 100 })).map(({ seq }) => seq)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    await Promise.all(stores.map(async (store) => store.close()));
  });

  test("with the schema of a newer controller is left alone", async () => {
    const url = await aDatabase("newer");
    const config = await configFor(url);
    await (await openThreadStore(config, silentLog)).close();
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query("insert into schema_migrations (version) values (99)");
    await client.end();
    await expect(openThreadStore(config, silentLog)).rejects.toThrow(/schema 99/);
  });

  test("may crash and come back: nothing that was taken is lost, signals come again, and no number is skipped", async () => {
    const store = await openThreadStore(await configFor(await aDatabase("crashing")), silentLog);
    const heard: string[] = [];
    store.onSignal((uid) => { heard.push(uid); });
    await store.ensureThread(THREAD, NOW_MS);
    await store.post("u1", aMessage({ key: "before" }), NOW_MS);
    await server.restart("crash");
    await store.post("u1", aMessage({ key: "after" }), NOW_MS);
    expect((await store.messages("u1", { afterSeq: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([1, 2]);
    heard.length = 0;
    let turn = 0;
    await expect.poll(async () => {
      turn += 1;
      await store.post("u1", aMessage({ key: `turn ${turn}` }), NOW_MS);
      return heard.length;
    }, { timeout: 15_000 }).toBeGreaterThan(0);
    await store.close();
  });

  test("that is away makes calls fail with StoreUnavailable within their deadline, and serves again when it is back", async () => {
    const store = await openThreadStore(await configFor(await aDatabase("away")), silentLog);
    await store.ensureThread(THREAD, NOW_MS);
    await server.stop("stop");
    try {
      await expect(store.pending("u1", 1)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(store.post("u1", aMessage(), NOW_MS)).rejects.toBeInstanceOf(StoreUnavailable);
    } finally {
      await server.start();
    }
    expect((await store.post("u1", aMessage(), NOW_MS)).message.seq).toBe(1);
    await store.close();
  });

  test("gives up a statement that waits for a lock too long", async () => {
    const url = await aDatabase("locked");
    const store = await openThreadStore(await configFor(url, { statementTimeoutMs: 300 }), silentLog);
    await store.ensureThread(THREAD, NOW_MS);
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query("begin");
    await holder.query("select * from threads for update");
    await expect(store.post("u1", aMessage(), NOW_MS)).rejects.toBeInstanceOf(StoreUnavailable);
    await holder.query("rollback");
    await holder.end();
    expect((await store.post("u1", aMessage(), NOW_MS)).isNew).toBe(true);
    await store.close();
  });

  test("is named by a URL, or the mistake is told without showing what was in the file", async () => {
    const config = await configFor("hunter2");
    await expect(openThreadStore(config, silentLog)).rejects.toThrow(/holds no URL/);
    await expect(openThreadStore(config, silentLog)).rejects.not.toThrow(/hunter2/);
  });
});
