import { expect, test } from "vitest";
import { agentEnvironment } from "../../../cli/agent-environment.ts";

test.each(["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "GITHUB_TOKEN", "DB_PASSWORD", "npm_token", "SSH_PRIVATE_KEY", "GOOGLE_APPLICATION_CREDENTIALS",
  "PGPASSWORD", "SSHPASS", "MYSQL_PWD", "DB_PASS", "GITHUB_PAT", "STRIPE_KEY", "RAILS_MASTER_KEY", "GHTOKEN", "MY_JWT", "SENTRY_DSN", "COOKIE", "AZURE_STORAGE_CONNECTION_STRING"])(
  "%s of the caller is kept from the agent, and named", (name) => {
    const { variables, hidden } = agentEnvironment({ [name]: "real", PATH: "/bin" }, []);
    expect(variables).toEqual({ PATH: "/bin" });
    expect(hidden).toEqual([name]);
  });

test.each(["postgres://user:real@db.test/x", "https://user:real@registry.test/simple", "-----BEGIN EC PRIVATE KEY-----\nreal", "ghp_real", "glpat-real", "sk-real", "eyJhbGciOiJFUzI1NiJ9.real"])(
  "the value %j is a credential under any name", (value) => {
    expect(agentEnvironment({ SETTING: value }, [])).toEqual({ variables: {}, hidden: ["SETTING"] });
    expect(agentEnvironment({ SETTING: value }, ["SETTING"]).variables).toEqual({ SETTING: value });
  });

test.each(["https://registry.test/simple", "ssh://git@github.test/x", "a:b@c", "skip"])("the value %j is none", (value) => {
  expect(agentEnvironment({ SETTING: value }, []).variables).toEqual({ SETTING: value });
});

test.each(["PATH", "PWD", "OLDPWD", "HOME", "LANG", "AUTHOR", "TOKENIZERS_PARALLELISM", "KEYBOARD", "TERM"])("%s stays", (name) => {
  expect(agentEnvironment({ [name]: "x" }, []).variables).toEqual({ [name]: "x" });
});

test("a credential-like variable passes if the configuration lets it", () => {
  expect(agentEnvironment({ SESSION_TOKEN: "x" }, ["SESSION_TOKEN"])).toEqual({ variables: { SESSION_TOKEN: "x" }, hidden: [] });
});

test("the dummy of a grant replaces the caller's key and is not reported as hidden", () => {
  const { variables, hidden } = agentEnvironment({ GITHUB_TOKEN: "ghp_real" }, [], { GITHUB_TOKEN: "ghp_dummy" });
  expect(variables).toEqual({ GITHUB_TOKEN: "ghp_dummy" });
  expect(hidden).toEqual([]);
});

test("a dummy wins even over a variable that is passed", () => {
  expect(agentEnvironment({ GITHUB_TOKEN: "ghp_real" }, ["GITHUB_TOKEN"], { GITHUB_TOKEN: "ghp_dummy" }).variables).toEqual({ GITHUB_TOKEN: "ghp_dummy" });
});

test.each(["SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "HTTPS_PROXY", "http_proxy", "NO_PROXY", "WEIR_OPA", "npm_config_cache"])(
  "%s never reaches the agent", (name) => {
    expect(agentEnvironment({ [name]: "x" }, [name]).variables).toEqual({});
  });
