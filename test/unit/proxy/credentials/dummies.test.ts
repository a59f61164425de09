import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { DUMMY_SHAPES, dummyKey } from "../../../../common/dummy-keys.ts";
import { dummyEnvironment, dummyFiles } from "../../../../proxy/credentials/dummies.ts";
import { someGrants } from "../../../support/credentials.ts";

const grant = (env: Record<string, unknown>) => ({
  credential: { type: "environment", name: "REAL" }, bind: { hosts: ["api.example.test"] }, env,
});

/** What the clients check before they start. */
const FORMS: Readonly<Record<Exclude<(typeof DUMMY_SHAPES)[number], "auto">, RegExp>> = {
  anthropic: /^sk-ant-api03-[\w-]{93}AA$/, "anthropic-oauth": /^sk-ant-oat01-[\w-]{93}AA$/, openai: /^sk-proj-[\w-]{100,}$/, google: /^AIza[\w-]{35}$/,
  github: /^ghp_[A-Za-z0-9]{36}$/, "github-fine-grained": /^github_pat_\w{82}$/, gitlab: /^glpat-[\w-]{20}$/,
  "aws-access-key-id": /^AKIA[A-Z2-7]{16}$/, "aws-secret-access-key": /^[A-Za-z0-9/+]{40}$/, slack: /^xoxb-\d+-\d+-[A-Za-z0-9]{24}$/,
  npm: /^npm_[A-Za-z0-9]{36}$/, pypi: /^pypi-AgEI[\w-]{100,}$/, huggingface: /^hf_[A-Za-z]{34}$/, stripe: /^sk_test_[A-Za-z0-9]{99}$/,
  openrouter: /^sk-or-v1-[0-9a-f]{64}$/, opaque: /^[A-Za-z0-9]{40}$/, "crates-io": /^cio[A-Za-z0-9]{32}$/, docker: /^dckr_pat_[\w-]{27}$/, groq: /^gsk_[A-Za-z0-9]{52}$/,
  xai: /^xai-[A-Za-z0-9]{80}$/, notion: /^ntn_[A-Za-z0-9]{46}$/, linear: /^lin_api_[A-Za-z0-9]{40}$/, brave: /^BSA[\w-]{28}$/, tavily: /^tvly-[\w-]{32}$/,
  "google-access-token": /^ya29\.[\w-]{100,}$/, jwt: /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{342}$/,
};

describe("a dummy key", () => {
  test.each(Object.entries(FORMS))("of shape %s looks like a real one", (shape, form) => {
    expect(dummyKey(shape as keyof typeof FORMS, "g", "V")).toMatch(form);
  });

  test("exists for every shape that the configuration may name", () => {
    expect(new Set(["auto", ...Object.keys(FORMS)])).toEqual(new Set(DUMMY_SHAPES));
  });

  test("is the same each time, and another one for another grant or variable", () => {
    expect(dummyKey("github", "a", "T")).toBe(dummyKey("github", "a", "T"));
    expect(new Set([dummyKey("github", "a", "T"), dummyKey("github", "b", "T"), dummyKey("github", "a", "U")]).size).toBe(3);
  });

  test("of shape jwt has claims that a client can read, is not expired and names nobody", () => {
    const claims = decodeJwt(dummyKey("jwt", "g", "V"));
    expect(claims).toMatchObject({ iss: "https://weir.invalid", "https://api.openai.com/auth": { chatgpt_plan_type: "pro" } });
    expect((claims.exp ?? 0) * 1_000).toBeGreaterThan(Date.UTC(2035, 0));
    expect(claims.sub).toContain("WEIRDUMMY");
  });

  test("says that it is one where its alphabet has room for that", () => {
    expect(dummyKey("github", "a", "T")).toContain("WEIRDUMMY");
    expect(dummyKey("aws-access-key-id", "a", "T")).toContain("WEIRDUMMY");
  });
});

describe("the environment of the agent", () => {
  test("gets a dummy of the shape that the variable's name asks for", () => {
    const environment = dummyEnvironment(someGrants({
      claude: grant({ ANTHROPIC_API_KEY: "auto", ANTHROPIC_AUTH_TOKEN: "auto" }), github: grant({ GITHUB_TOKEN: "auto", GH_TOKEN: "github-fine-grained" }), other: grant({ MY_KEY: "auto", OTHER: { value: "x" } }),
    }));
    expect(environment["ANTHROPIC_API_KEY"]).toMatch(FORMS.anthropic);
    expect(environment["ANTHROPIC_AUTH_TOKEN"]).toMatch(FORMS["anthropic-oauth"]);
    expect(environment["GITHUB_TOKEN"]).toMatch(FORMS.github);
    expect(environment["GH_TOKEN"]).toMatch(FORMS["github-fine-grained"]);
    expect(environment["MY_KEY"]).toMatch(FORMS.opaque);
    expect(environment["OTHER"]).toBe("x");
  });

  test("names files where a client takes no key from a variable", () => {
    const grants = someGrants({ npm: grant({ NPM_TOKEN: "auto", NPM_CONFIG_USERCONFIG: { file: "//registry.test/:_authToken=${NPM_TOKEN}" } }) });
    expect(dummyEnvironment(grants)["NPM_CONFIG_USERCONFIG"]).toBe("/run/weir/dummies/NPM_CONFIG_USERCONFIG");
    expect(Object.values(grants).map(dummyFiles)).toEqual([{ NPM_CONFIG_USERCONFIG: "//registry.test/:_authToken=${NPM_TOKEN}" }]);
  });

  test("is refused when two grants set one variable, unless both set the same text", () => {
    expect(() => someGrants({ a: grant({ TOKEN: "auto" }), b: grant({ TOKEN: "auto" }) })).toThrow(/already set by grant a/);
    expect(() => someGrants({ a: grant({ QUIET: { value: "1" } }), b: grant({ QUIET: { value: "0" } }) })).toThrow(/already set by grant a/);
    expect(dummyEnvironment(someGrants({ a: grant({ QUIET: { value: "1" } }), b: grant({ QUIET: { value: "1" } }) }))).toEqual({ QUIET: "1" });
  });
});
