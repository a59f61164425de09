import { describe, expect, test } from "vitest";
import { credentialsConfig, grantsConfig } from "../../../../proxy/credentials/config.ts";

const grant = (over: Record<string, unknown> = {}) => ({
  github: { credential: { type: "environment", name: "REAL" }, bind: { hosts: ["api.example.test"] }, ...over },
});
const isGrant = (over: Record<string, unknown>) => grantsConfig.safeParse(grant(over)).success;
const isBinding = (bind: Record<string, unknown>) => isGrant({ bind: { hosts: ["api.example.test"], ...bind } });

describe("the configuration of grants", () => {
  test("binds to https on 443, the usual methods and every path if nothing else is said", () => {
    const parsed = grantsConfig.parse(grant());
    expect(parsed["github"]?.bind).toEqual({ hosts: ["api.example.test"], ports: [443], methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], paths: ["/**"], notPaths: [] });
  });

  test.each(["*.example.test", "*", "Api.example.test", "api.example.test.", "api.example.test:443", "https://api.example.test", "127.0.0.1", "[::1]", "", "a..b"])("refuses the host %j", (host) => {
    expect(isGrant({ bind: { hosts: [host] } })).toBe(false);
  });

  test.each([
    ["no host", { hosts: [] }], ["no method", { methods: [] }], ["TRACE", { methods: ["TRACE"] }], ["CONNECT", { methods: ["CONNECT"] }], ["a method in lower case", { methods: ["get"] }],
    ["port 0", { ports: [0] }], ["a glob in a segment", { paths: ["/v1*"] }], ["a glob in a segment that is left out", { notPaths: ["/v1*"] }], ["an unknown key", { host: "x" }],
  ])("refuses %s", (_name, bind) => {
    expect(isBinding(bind)).toBe(false);
  });

  test.each(["host", "content-length", "transfer-encoding", "connection", "accept-encoding", "Authorization", "x api", ""])("refuses to set the header %j", (header) => {
    expect(isGrant({ inject: { header } })).toBe(false);
  });

  test.each(["Bearer", "{secret}{secret}", "a\r\nb: {secret}"])("refuses the format %j", (format) => {
    expect(isGrant({ inject: { format } })).toBe(false);
  });

  test.each([
    ["no path", { type: "vault" }], ["a path that climbs", { type: "vault", path: "../x" }], ["a path with an empty segment", { type: "vault", path: "a//b" }], ["a mount that climbs", { type: "vault", mount: "..", path: "a" }],
    ["a value in place of a place", { type: "file", path: "/x", value: "s" }], ["a type that is not in the list", { type: "exec", command: "x" }],
  ])("refuses a credential with %s", (_name, credential) => {
    expect(isGrant({ credential })).toBe(false);
  });

  test.each(["gitub", "", 3, { value: "x", more: 1 }])("refuses the dummy %j", (dummy) => {
    expect(isGrant({ env: { TOKEN: dummy } })).toBe(false);
  });
});

describe("the configuration of Vault", () => {
  const isVault = (address: string) => credentialsConfig.safeParse({ vault: { address, tokenFile: "/t" } }).success;

  test.each(["https://vault.example.test:8200", "http://127.0.0.1:8200", "http://localhost:8200", "http://[::1]:8200"])("takes %s", (address) => {
    expect(isVault(address)).toBe(true);
  });

  const isAuth = (auth: unknown, more: Record<string, unknown> = {}) => credentialsConfig.safeParse({ vault: { address: "https://vault.example.test", auth, ...more } }).success;

  test.each([
    { method: "token", tokenFile: "/t" }, { method: "approle", roleId: "r", secretIdFile: "/s" }, { method: "approle", roleIdFile: "/r", secretIdFile: "/s", mount: "team/approle" },
    { method: "kubernetes", role: "weir", jwtFile: "/j" }, { method: "jwt", role: "agent" }, { method: "jwt", role: "agent", own: { method: "kubernetes", role: "weir", jwtFile: "/j" } },
  ])("takes the login %j", (auth) => {
    expect(isAuth(auth)).toBe(true);
  });

  test.each([
    {}, { method: "userpass" }, { method: "token" }, { method: "token", token: "s.secret" }, { method: "approle", secretIdFile: "/s" }, { method: "approle", roleId: "r", roleIdFile: "/r", secretIdFile: "/s" },
    { method: "approle", roleId: "r", secretId: "s" }, { method: "kubernetes", role: "weir" }, { method: "jwt", role: "agent", mount: "../sys" }, { method: "jwt", role: "agent", own: { method: "jwt", role: "agent" } },
  ])("refuses the login %j", (auth) => {
    expect(isAuth(auth)).toBe(false);
  });

  test("takes one way to log in, not two and not none", () => {
    expect(isAuth({ method: "jwt", role: "agent" }, { tokenFile: "/t" })).toBe(false);
    expect(isAuth(undefined)).toBe(false);
    expect(isAuth(undefined, { tokenFile: "/t" })).toBe(true);
  });

  test.each(["http://vault.example.test:8200", "http://127.0.0.1.evil.test:8200", "https://user:pass@vault.example.test", "https://vault.example.test/v1", "https://vault.example.test?x", "ftp://x", "vault"])("refuses %s", (address) => {
    expect(isVault(address)).toBe(false);
  });
});
