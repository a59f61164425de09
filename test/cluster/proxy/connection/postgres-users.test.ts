import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import { findOpenBao, obtainOpenBao } from "../../../../tools/openbao.ts";
import { startOpenBao, type OpenBaoServer } from "../../../support/openbao-server.ts";
import { hasPostgres, startPostgres, type PostgresServer } from "../../../support/postgres-server.ts";
import { buildStage, type Stage } from "../../../support/stage.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const HOST = "db.example.test";
const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const bao = isRequired ? await obtainOpenBao(environment) : await findOpenBao(environment);

/** `weir run`, a real OpenBao that makes users of a real PostgreSQL, and a real `psql` in the agent. */
describe.skipIf(bao === null || (!isRequired && !hasPostgres()))("psql in an agent, as a user that is made for it (npm run verify:cluster brings OpenBao)", () => {
  let stage: Stage;
  let postgres: PostgresServer;
  let store: OpenBaoServer;
  let owner: Client;

  beforeAll(async () => {
    stage = await buildStage();
    postgres = await startPostgres(await stage.authority.leaf([HOST]));
    store = await startOpenBao(bao ?? "");
    owner = new Client({ connectionString: postgres.url });
    await owner.connect();
    await owner.query("create database app");
    await makeUsers(store, postgres);
    stage.route(HOST, 5432, postgres.port);
    stage.configure({
      credentials: { vault: { address: store.address, auth: { method: "token", tokenFile: stage.secretFile("vault-token", store.rootToken) } } },
      grants: { db: { use: "postgres", credential: { type: "vault-database", role: "agent" }, bind: { hosts: [HOST], databases: ["app"] } } },
    }, { hosts: [{ name: HOST, ports: [5432], handling: "postgres", databases: ["app"], grants: ["db"] }] });
  }, 120_000);

  afterAll(async () => {
    await owner?.end();
    await store?.close();
    await postgres?.close();
    stage?.remove();
  });

  const madeUsers = async () => (await owner.query<{ rolname: string }>("select rolname from pg_roles where rolname like 'v-%'")).rows.map(({ rolname }) => rolname);

  test("it appears, is who psql is, and is gone within two seconds of the thread's end", async () => {
    const url = `postgresql://${HOST}/app?sslmode=verify-full`;
    const running = stage.run(["sh", "-c", `psql --no-psqlrc -Atc 'select current_user' '${url}' && psql --no-psqlrc -Atc "select current_user, pg_sleep(2)" '${url}'; date +%s%3N`]);
    await eventually("the user is there", async () => (await madeUsers()).length === 1, 30_000);
    const [user] = await madeUsers();
    await eventually("the user is gone", async () => (await madeUsers()).length === 0, 30_000);
    const goneAtMs = Date.now();
    const { code, stdout, stderr } = await running;
    const [first, second, endedAtMs] = stdout.trim().split("\n");
    expect({ code, first, second }, stderr).toEqual({ code: 0, first: user, second: `${user}|` });
    expect(goneAtMs - Number(endedAtMs)).toBeLessThan(2_000);
  });

  test("it is gone too when the agent is in the middle of a statement", async () => {
    const running = stage.run(["sh", "-c", `psql --no-psqlrc -Atc 'select pg_sleep(60)' 'postgresql://${HOST}/app?sslmode=verify-full' & sleep 3; date +%s%3N; exit 7`]);
    await eventually("it sleeps", async () => (await owner.query("select 1 from pg_stat_activity where query like '%pg_sleep(60)%' and usename like 'v-%'")).rowCount === 1, 30_000);
    await eventually("the user is gone", async () => (await madeUsers()).length === 0, 30_000);
    const goneAtMs = Date.now();
    const { code, stdout } = await running;
    expect(code).toBe(7);
    expect(goneAtMs - Number(stdout.trim())).toBeLessThan(2_000);
  });

  test("its session ends when the login is revoked, and the next one is somebody else", async () => {
    const url = `postgresql://${HOST}/app?sslmode=verify-full`;
    const running = stage.run(["sh", "-c", `psql --no-psqlrc -Atc 'select pg_sleep(60)' '${url}'; echo "ended with $?"; psql --no-psqlrc -Atc 'select current_user' '${url}'`]);
    const sleeping = async () => (await owner.query<{ usename: string }>("select usename from pg_stat_activity where query like '%pg_sleep(60)%' and usename like 'v-%'")).rows[0]?.usename;
    await eventually("it sleeps", async () => await sleeping() !== undefined, 30_000);
    const user = await sleeping();
    const revoked = await stage.weir(["revoke", "--config", stage.configFile, "--grant", "db"]);
    expect(revoked.code, revoked.stderr).toBe(0);
    expect(await madeUsers()).not.toContain(user);
    const { stdout } = await running;
    const [ended, next] = stdout.trim().split("\n");
    expect(ended).toBe("ended with 2");
    expect(next).toMatch(/^v-/);
    expect(next).not.toBe(user);
  });

  test("another database is refused beside it, and no user is made for that", async () => {
    const { code, stderr } = await stage.run(["psql", "--no-psqlrc", "-c", "select 1", `postgresql://${HOST}/postgres?sslmode=verify-full`]);
    expect(code).toBe(2);
    expect(stderr).toContain("database postgres as user agent is not allowed");
    expect(await madeUsers()).toEqual([]);
  });
});

async function makeUsers({ call }: OpenBaoServer, { port }: PostgresServer): Promise<void> {
  await call("POST", "sys/mounts/database", { type: "database" });
  await call("POST", "database/config/main", {
    plugin_name: "postgresql-database-plugin", allowed_roles: "agent", username: "weir", password: "unused",
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${port}/postgres?sslmode=disable`,
  });
  await call("POST", "database/roles/agent", {
    db_name: "main", default_ttl: "10m", max_ttl: "1h", creation_statements: ["create role \"{{name}}\" with login password '{{password}}' valid until '{{expiration}}'"],
  });
}
