import { describe, expect, test } from "vitest";
import { A_BUDGET, A_GRANT, planOf, settings } from "../../../support/boundary-resources.ts";

const grantOf = (spec: object, key = "team-a/github", config: object = {}) => planOf({ grants: { [key]: spec } }, { config }).grants.get(key);
const at = (path: string) => ({ ...A_GRANT, vault: { path, key: "token" } });

describe("a CredentialGrant", () => {
  test("becomes a grant of the proxies, its secret below the prefix of its namespace", () => {
    const { set, grants } = planOf({ grants: { "team-a/github": { ...A_GRANT, env: { GITHUB_TOKEN: "auto", OTHER: "text" } } } });
    expect(grants.get("team-a/github")).toMatchObject({ isAccepted: true });
    expect(set.grants["team-a.github"]).toEqual({
      credential: { type: "vault", mount: "secret", path: "weir/team-a/github", field: "token" }, inject: {}, bind: { hosts: ["api.github.com"] },
    });
  });

  test("reads where the installation says", () => {
    const config = { vault: { mount: "kv/agents", pathTemplate: "clusters/one/{namespace}/shared/" } };
    expect(grantOf(at("a/b"), "team-a/github", config)).toMatchObject({ value: { credential: { mount: "kv/agents", path: "clusters/one/team-a/shared/a/b" } } });
  });

  test.each([
    "../team-b/github", "a/../../team-b/github", "..", ".", "a/./b", "/team-b/github", "a//b", "a/", "%2e%2e/team-b/github", "..%2fteam-b", "a\\..\\b", "a\u0000b", "a b", "ａ", "a?b", "a#b", `${"a/".repeat(195)}a${"a".repeat(128)}`,
  ])("of the path %j reads nothing: nobody gets at another namespace's secrets", (path) => {
    const verdict = planOf({ grants: { "team-a/github": at(path) } }, { config: { vault: { pathTemplate: `${"p".repeat(100)}/{namespace}/` } } });
    expect(verdict.grants.get("team-a/github")).toMatchObject({ isAccepted: false, reason: expect.stringMatching(/^(PathNotAllowed|Unreadable)$/) });
    expect(Object.keys(verdict.set.grants)).toEqual(["weir.internal"]);
  });

  test.each(["github", "a/b.c", "a/..b", "user@host", "a=b+c"])("of the path %j reads below its prefix", (path) => {
    expect(grantOf(at(path))).toMatchObject({ isAccepted: true, value: { credential: { path: `weir/team-a/${path}` } } });
  });

  test.each([
    ["a wildcard host", { ...A_GRANT, bind: { hosts: ["*.github.com"] } }, "bind.hosts.0"],
    ["a header of framing", { ...A_GRANT, inject: { header: "host" } }, "inject.header"],
    ["a format without the secret", { ...A_GRANT, inject: { format: "x" } }, "inject.format"],
    ["TRACE", { ...A_GRANT, bind: { hosts: ["a.test"], methods: ["TRACE"] } }, "bind.methods.0"],
    ["the controller's name", { ...A_GRANT, bind: { hosts: ["weir.internal"] } }, "weir.internal"],
  ])("with %s is not accepted, and says where", (_, spec, where) => {
    expect(grantOf(spec)).toMatchObject({ isAccepted: false, reason: "Invalid", message: expect.stringContaining(where) });
  });

  test("called so that its id is Weir's own grant is not accepted, and Weir's own stays", () => {
    const { grants, set } = planOf({ grants: { "weir/internal": A_GRANT, "weir/other": A_GRANT } });
    expect(grants.get("weir/internal")).toMatchObject({ isAccepted: false, reason: "NameReserved" });
    expect(set.grants["weir.internal"]).toMatchObject({ credential: { type: "identity" }, bind: { hosts: ["weir.internal"] } });
    expect(set.grants["weir.other"]).toMatchObject({ credential: { type: "vault" } });
  });

  test("of another version is left out, and says so", () => {
    expect(grantOf({ ...A_GRANT, escrow: true })).toMatchObject({ isAccepted: false, reason: "Unreadable", message: expect.stringContaining("escrow") });
  });
});

describe("a Budget", () => {
  test("becomes a named budget of the proxies", () => {
    const { set } = planOf({ budgets: { "team-a/daily": A_BUDGET } });
    expect(set.budgets).toEqual({ "team-a.daily": { meter: "requests", limit: 10, window: "day" } });
  });

  test("of the namespace `agent` is not accepted: it would be taken for a count of Weir's own", () => {
    const { set, budgets } = planOf({ budgets: { "agent/requests": A_BUDGET } });
    expect(budgets.get("agent/requests")).toMatchObject({ isAccepted: false, reason: "NameReserved" });
    expect(set.budgets).toEqual({});
  });
});

describe("the prefix of the secrets", () => {
  test.each(["weir/{namespace}/", "{namespace}/", "a/{namespace}/b/"])("may be %s", (pathTemplate) => {
    expect(settings({ vault: { pathTemplate } }).config.vault.pathTemplate).toBe(pathTemplate);
  });

  test.each(["weir/", "weir/{namespace}", "weir/x{namespace}/", "weir/{namespace}x/", "/weir/{namespace}/", "{namespace}/{namespace}/", "../{namespace}/", ""])("may not be %j: one namespace's could be the beginning of another's", (pathTemplate) => {
    expect(() => settings({ vault: { pathTemplate } })).toThrow(/pathTemplate/);
  });
});
