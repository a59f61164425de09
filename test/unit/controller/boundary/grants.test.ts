import { describe, expect, test } from "vitest";
import { dummiesOf } from "../../../../controller/boundary/grants.ts";
import { boundaryBudget, boundaryGrant, dummyVariables } from "../../../../proxy/operator.ts";
import { A_BUDGET, A_GRANT, planOf, resourcesOf, settings } from "../../../support/boundary-resources.ts";

const grantOf = (spec: object, key = "team-a/github", config: object = {}) => planOf({ grants: { [key]: spec } }, { config }).grants.get(key);
const at = (path: string) => ({ ...A_GRANT, vault: { path, key: "token" } });

describe("a CredentialGrant", () => {
  test("becomes a grant of the proxies, its secret below the prefix of its namespace", () => {
    const { set, grants } = planOf({ grants: { "team-a/github": { ...A_GRANT, env: { GITHUB_TOKEN: "auto", OTHER: "text" } } } });
    expect(grants.get("team-a/github")).toMatchObject({ isAccepted: true });
    expect(set.grants["team-a.github"]).toEqual({
      credential: { type: "vault", mount: "secret", path: "weir/team-a/github", field: "token" }, inject: {}, bind: { hosts: ["api.github.com"] },
      env: { GITHUB_TOKEN: "auto", OTHER: { value: "text" } },
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

describe("a CredentialGrant with a recipe", () => {
  const vault = { path: "brave", key: "key" };

  test("becomes what the recipe says, so that every version of the proxies means the same", () => {
    const { set } = planOf({ grants: { "team-a/search": { use: "brave", vault, bind: { methods: ["GET"] } } } });
    expect(set.grants["team-a.search"]).toEqual({
      credential: { type: "vault", mount: "secret", path: "weir/team-a/brave", field: "key" }, inject: { header: "x-subscription-token", format: "{secret}" },
      bind: { hosts: ["api.search.brave.com"], methods: ["GET"], paths: ["/res/**"] }, env: { BRAVE_API_KEY: "brave" },
    });
  });

  test("that there is not is not accepted, and says which there are", () => {
    expect(grantOf({ use: "brav", vault })).toMatchObject({ isAccepted: false, reason: "Invalid", message: expect.stringContaining("use: must be one of anthropic") });
  });

  test("that leaves the hosts to it needs them", () => {
    expect(grantOf({ use: "atlassian", vault, inject: { user: "me@example.test" } })).toMatchObject({ isAccepted: false, message: expect.stringContaining("bind.hosts") });
  });
});

describe("the source of a CredentialGrant", () => {
  const bind = { hosts: ["api.example.test"] };
  const credentialOf = (source: object, config: object = {}, more: object = {}) => {
    const verdict = grantOf({ ...source, bind, ...more }, "team-a/own", config);
    return verdict?.isAccepted === true ? verdict.value["credential"] : verdict;
  };
  const key = { vault: { path: "app", key: "pem" } };
  const keyReference = { type: "vault", mount: "secret", path: "weir/team-a/app", field: "pem" };

  test("may be a GitHub App whose key is below the namespace's prefix", () => {
    expect(credentialOf({ githubApp: { clientId: "Iv1.a", installationId: 7, key, repositories: ["weir"], permissions: { contents: "read" } } })).toEqual({
      type: "github-app", clientId: "Iv1.a", installationId: 7, key: keyReference, repositories: ["weir"], permissions: { contents: "read" },
    });
  });

  test("may be an OAuth 2.0 client, or a service account of Google Cloud", () => {
    expect(credentialOf({ oauth2: { tokenEndpoint: "https://login.test/token", clientId: "c", clientSecret: key, scopes: ["read"] } })).toEqual({
      type: "oauth2", tokenEndpoint: "https://login.test/token", clientId: "c", clientSecret: keyReference, scopes: ["read"],
    });
    expect(credentialOf({ gcpServiceAccount: { key, scopes: ["s"] } })).toEqual({ type: "gcp-service-account", key: keyReference, scopes: ["s"] });
  });

  test.each([
    ["vaultDatabase", { role: "app" }, { type: "vault-database", mount: "database", role: "weir.team-a.app" }],
    ["vaultAws", { role: "s3", sts: true }, { type: "vault-aws", mount: "aws", role: "weir.team-a.s3", sts: true }],
    ["vaultIdentityToken", { role: "web" }, { type: "vault-identity-token", role: "weir.team-a.web" }],
    ["vaultKubernetes", { role: "ops" }, { type: "vault-kubernetes", mount: "kubernetes", role: "weir.team-a.ops", namespace: "team-a" }],
  ])("may be a role of %s, behind the prefix of its namespace", (source, fields, reference) => {
    const inject = source === "vaultDatabase" ? { inject: { type: "postgres" }, bind: { ...bind, databases: ["app"] } } : {};
    expect(credentialOf({ [source]: fields }, {}, inject)).toEqual(reference);
  });

  test.each(["../x", "a/b", "a.b", "{agent}", ""])("may not be a role called %j", (role) => {
    expect(grantOf({ vaultIdentityToken: { role }, bind })).toMatchObject({ isAccepted: false, reason: "Unreadable" });
  });

  test("may be a Secret of its namespace that the proxies may read, and no other", () => {
    const kubernetesSecrets = [{ namespace: "team-a", names: ["keys"] }, { namespace: "team-b", names: ["others"] }];
    const secret = (name: string) => credentialOf({ kubernetesSecret: { name, key: "token" } }, { kubernetesSecrets });
    expect(secret("keys")).toEqual({ type: "kubernetes-secret", namespace: "team-a", name: "keys", key: "token" });
    expect(secret("others")).toMatchObject({ isAccepted: false, reason: "SecretNotReadable" });
    const gcp = (name: string) => credentialOf({ gcpServiceAccount: { key: { kubernetesSecret: { name, key: "json" } }, scopes: ["s"] } }, { kubernetesSecrets });
    expect(gcp("keys")).toMatchObject({ key: { type: "kubernetes-secret", name: "keys" } });
    expect(gcp("others")).toMatchObject({ isAccepted: false, reason: "SecretNotReadable" });
  });

  test("of a key leads nowhere else either", () => {
    expect(credentialOf({ gcpServiceAccount: { key: { vault: { path: "../team-b/key", key: "k" } }, scopes: ["s"] } })).toMatchObject({ isAccepted: false, reason: "PathNotAllowed" });
  });

  test("may have several values", () => {
    expect(credentialOf({ vault: { path: "aws", keys: { accessKeyId: "id", secretAccessKey: "secret" } } }, {}, { inject: { type: "aws-sigv4", regions: ["*"], services: ["s3"] } })).toEqual({
      type: "vault", mount: "secret", path: "weir/team-a/aws", fields: { accessKeyId: "id", secretAccessKey: "secret" },
    });
  });

  test("is one", () => {
    for (const sources of [{}, { vault: { path: "p", key: "k" }, vaultAws: { role: "s3" } }]) {
      expect(grantOf({ ...sources, bind })).toMatchObject({ isAccepted: false, reason: "Invalid", message: expect.stringContaining("exactly one of vault, kubernetesSecret") });
    }
  });
});

describe("what the proxies take from the boundary", () => {
  const bind = { hosts: ["api.example.test"] };
  const taken = (credential: object) => boundaryGrant.safeParse({ credential, bind }).success;
  const gcp = (key: object, more: object = {}) => ({ type: "gcp-service-account", scopes: ["s"], key, ...more });
  const vault = { type: "vault", path: "p" };

  test.each([
    ["a file", { type: "file", path: "/etc/passwd" }], ["a variable", { type: "environment", name: "HOME" }], ["a command", { type: "exec", commandPath: "/bin/id" }],
    ["a file for a key", gcp({ type: "file", path: "/etc/passwd" })], ["a command for a key", gcp({ type: "exec", commandPath: "/bin/id" })], ["a CA file", gcp(vault, { caFile: "/etc/passwd" })],
    ["a refresh token", { type: "oauth2", grant: "refresh-token", tokenEndpoint: "https://login.test/t", clientId: "c", refreshToken: vault }],
  ])("is nothing of the node: not %s", (_name, credential) => {
    expect(taken(credential)).toBe(false);
  });

  test("is what is in Vault, or got with a key of Vault's", () => {
    expect([taken(vault), taken(gcp(vault)), taken({ type: "kubernetes-secret", namespace: "a", name: "b", key: "c" })]).toEqual([true, true, true]);
  });
});

describe("the variables of a CredentialGrant", () => {
  const variables = (spec: object) => {
    const [seen] = resourcesOf({ grants: { "team-a/own": spec } }).grants;
    return seen?.reading.isReadable === true ? dummiesOf(seen.reading.resource).variables : null;
  };

  test("are those of its recipe, or its own", () => {
    expect(variables({ use: "brave", vault: { path: "p", key: "k" } })).toEqual({ BRAVE_API_KEY: expect.stringMatching(/^BSA/) });
    expect(variables({ use: "brave", vault: { path: "p", key: "k" }, env: { KEY: "openai", MODE: "quiet" } })).toEqual({ KEY: expect.stringMatching(/^sk-proj-/), MODE: "quiet" });
    expect(variables({ use: "nothing", vault: { path: "p", key: "k" } })).toEqual({});
  });

  test("name the files of its recipe", () => {
    const [seen] = resourcesOf({ grants: { "team-a/own": { use: "npm", vault: { path: "p", key: "k" } } } }).grants;
    const dummies = seen?.reading.isReadable === true ? dummiesOf(seen.reading.resource) : null;
    expect(dummies?.variables["NPM_CONFIG_USERCONFIG"]).toBe("/run/weir/dummies/NPM_CONFIG_USERCONFIG");
    expect(dummies?.files).toEqual({ NPM_CONFIG_USERCONFIG: expect.stringContaining("_authToken=${NPM_TOKEN}") });
  });

  test("hold the very dummies that the proxies know of the grant", () => {
    const { set } = planOf({ grants: { "team-a/own": { use: "brave", vault: { path: "p", key: "k" } } } });
    const { env } = boundaryGrant.parse(set.grants["team-a.own"]);
    expect(variables({ use: "brave", vault: { path: "p", key: "k" } })).toEqual(dummyVariables("team-a.own", env));
  });
});

describe("a Budget", () => {
  test("becomes a named budget of the proxies", () => {
    const { set } = planOf({ budgets: { "team-a/daily": A_BUDGET } });
    expect(set.budgets).toEqual({ "team-a.daily": boundaryBudget.parse({ meter: "requests", limit: 10, window: "day" }) });
  });

  test.each(["agent", "thread"])("of the namespace `%s` is not accepted: it would be taken for a count of Weir's own", (namespace) => {
    const { set, budgets } = planOf({ budgets: { [`${namespace}/requests`]: A_BUDGET } });
    expect(budgets.get(`${namespace}/requests`)).toMatchObject({ isAccepted: false, reason: "NameReserved" });
    expect(set.budgets).toEqual({});
  });
});

describe("the prefix of roles", () => {
  test.each([["weir.{namespace}.", true], ["{namespace}.", true], ["{namespace}", false], ["weir-{namespace}-", false], ["x{namespace}.", false], ["weir.", false]])("%j is %s: a dot is in no namespace's name", (rolePrefix, isFit) => {
    const read = () => settings({ vault: { rolePrefix } });
    if (isFit) expect(read().config.vault.rolePrefix).toBe(rolePrefix);
    else expect(read).toThrow(/rolePrefix/);
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
