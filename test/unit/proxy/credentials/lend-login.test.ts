import { describe, expect, test } from "vitest";
import { Secret } from "../../../../common/secret.ts";
import { grantsConfig, type Grant } from "../../../../proxy/credentials/config.ts";
import { injectPostgres } from "../../../../proxy/credentials/inject-postgres.ts";
import { lendLogin } from "../../../../proxy/credentials/lend-login.ts";
import { singleValue, type Material } from "../../../../proxy/credentials/secret-source.ts";

const TARGET = { protocol: "postgres", host: "db.example.test", port: 5432, user: "anybody", database: "app" } as const;
const BIND = { hosts: ["db.example.test"], ports: [5432], databases: ["app"] };

function aGrant(bind: Record<string, unknown> = {}, inject: Record<string, unknown> = { type: "postgres" }): Grant {
  return grantsConfig.parse({ db: { credential: { type: "file", path: "/x" }, inject, bind: { ...BIND, ...bind } } })["db"] as Grant;
}

const made = (values: Record<string, string>): Material =>
  ({ ...singleValue(new Secret(""), "1"), values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, new Secret(value)])) });
const giving = (material: Material) => async () => ({ material, reference: "db@file#1", isHeld: () => true });
const LOGIN = made({ username: "v-agent", password: "s3cret" });

describe("the login of a session", () => {
  test("is what the source gives", async () => {
    const login = await lendLogin([["db", aGrant()]], TARGET, giving(LOGIN));
    expect([login.username.reveal(), login.password.reveal(), login.references]).toEqual(["v-agent", "s3cret", ["db@file#1"]]);
    expect(login.secrets).toEqual([login.password]);
  });

  test("has the user of the grant where the source gives one value", async () => {
    const login = await lendLogin([["db", aGrant({}, { type: "postgres", username: "app" })]], TARGET, giving(made({ value: "s3cret" })));
    expect([login.username.reveal(), login.password.reveal()]).toEqual(["app", "s3cret"]);
  });

  test.each([
    ["another host", {}, { host: "other.example.test" }], ["another port", {}, { port: 5433 }], ["another database", {}, { database: "payroll" }], ["another user", { users: ["reader"] }, {}],
  ])("is not lent to %s, and nothing is fetched for it", async (_, bind, target) => {
    const fetched: string[] = [];
    const lent = lendLogin([["db", aGrant(bind)]], { ...TARGET, ...target }, async (name) => { fetched.push(name); return giving(LOGIN)(); });
    await expect(lent).rejects.toMatchObject({ code: "credential.misdirected", explanation: { rule: "grant.db" } });
    expect(fetched).toEqual([]);
  });

  test.each([["a star", { databases: ["*"] }], ["a user that is named", { users: ["anybody"] }]])("is lent by %s", async (_, bind) => {
    await expect(lendLogin([["db", aGrant(bind)]], TARGET, giving(LOGIN))).resolves.toBeTruthy();
  });

  test("is of exactly one grant, made for it", async () => {
    const header = grantsConfig.parse({ h: { credential: { type: "file", path: "/x" }, bind: { hosts: ["db.example.test"], ports: [5432] } } })["h"] as Grant;
    await expect(lendLogin([], TARGET, giving(LOGIN))).rejects.toMatchObject({ code: "credential.unavailable" });
    await expect(lendLogin([["a", aGrant()], ["b", aGrant()]], TARGET, giving(LOGIN))).rejects.toMatchObject({ code: "credential.unavailable" });
    await expect(lendLogin([["h", header]], TARGET, giving(LOGIN))).rejects.toMatchObject({ code: "credential.unavailable" });
  });

  test.each<[string, Record<string, string>]>([
    ["no user", { password: "x" }], ["no password", { username: "u" }], ["an empty password", { username: "u", password: "" }], ["a zero in the password", { username: "u", password: "a\0b" }],
    ["a zero in the user", { username: "u\0x", password: "x" }], ["a long user", { username: "u".repeat(64), password: "x" }], ["a long password", { username: "u", password: "x".repeat(1_025) }],
  ])("is none with %s", async (_, values) => {
    await expect(lendLogin([["db", aGrant()]], TARGET, giving(made(values)))).rejects.toMatchObject({ code: "credential.unavailable" });
  });
});

describe("the schema of a grant", () => {
  test.each([
    ["a login that names no database", { inject: { type: "postgres" }, bind: { hosts: ["db.example.test"] } }],
    ["databases of something else", { bind: { hosts: ["db.example.test"], databases: ["app"] } }],
    ["users of something else", { bind: { hosts: ["db.example.test"], users: ["app"] } }],
  ])("refuses %s", (_, grant) => {
    expect(grantsConfig.safeParse({ db: { credential: { type: "file", path: "/x" }, ...grant } }).success).toBe(false);
  });
});

test("a login is injected into no request", () => {
  expect(() => injectPostgres({ type: "postgres" }, LOGIN)).toThrow("not for requests");
});
