import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { grantsConfig } from "../../../../proxy/credentials/config.ts";
import { dummiesOf } from "../../../../proxy/credentials/dummies.ts";
import { injectionConfig, type InjectConfig } from "../../../../proxy/credentials/injection-config.ts";

const isTaken = (inject: unknown) => injectionConfig.safeParse(inject).success;

describe("the configuration of an injection", () => {
  test("is that of a header if no type is given", () => {
    expect(injectionConfig.parse({})).toEqual({ type: "header", header: "authorization" });
  });

  test.each<[string, unknown]>([
    ["an unknown type", { type: "magic" }], ["an unknown key", { type: "query", parameter: "a", header: "b" }], ["no parameter", { type: "query" }],
    ["a parameter that would begin another", { type: "query", parameter: "a&b" }], ["a cookie that would begin another", { type: "cookie", name: "a;b" }],
    ["a user with a colon", { type: "basic", user: "a:b" }], ["a forge that nobody knows", { type: "git", forge: "elsewhere" }],
    ["no region", { type: "aws-sigv4", services: ["s3"], regions: [] }], ["no service", { type: "aws-sigv4", services: [], regions: ["*"] }], ["any service", { type: "aws-sigv4", services: ["*"], regions: ["*"] }],
    ["a body without a limit", { type: "aws-sigv4", services: ["s3"], regions: ["*"], bodyLimitBytes: 2 ** 40 }], ["a header of framing", { header: "content-length" }], ["a header of Weir's own", { header: "x-weir-instance" }],
    ["a header that others write down", { header: "referer" }],
  ])("refuses %s", (_what, inject) => {
    expect(isTaken(inject)).toBe(false);
  });

  test("takes each type in its shortest form", () => {
    for (const inject of [{ type: "basic" }, { type: "git" }, { type: "query", parameter: "key" }, { type: "cookie", name: "a" }, { type: "aws-sigv4", services: ["s3"], regions: ["*"] }, { type: "client-certificate" }, { type: "placeholder", in: ["json"] }]) {
      expect(isTaken(inject), inject.type).toBe(true);
    }
  });
});

test("a grant with placeholders names what is replaced, or sets a dummy", () => {
  const grant = { credential: { type: "environment", name: "REAL" }, inject: { type: "placeholder", in: ["json"] }, bind: { hosts: ["api.example.test"] } };
  expect(grantsConfig.safeParse({ g: grant }).error?.issues.map(({ path }) => path)).toEqual([["g", "inject", "placeholder"]]);
  expect(grantsConfig.safeParse({ g: { ...grant, env: { KEY: "opaque" } } }).success).toBe(true);
  expect(grantsConfig.safeParse({ g: { ...grant, inject: { ...grant.inject, placeholder: "DUMMY-0123456789" } } }).success).toBe(true);
});

test("the keys in a file that clients read are dummies, names of settings in it are none", () => {
  const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkdW1teSJ9.c2lnbmF0dXJl";
  const file = JSON.stringify({ grant_type: "client_credentials", tokens: { access_token: jwt, refresh_token: "rt_WEIRDUMMY-0123456789" } });
  const grant = grantsConfig.parse({ g: { credential: { type: "environment", name: "REAL" }, bind: { hosts: ["api.example.test"] }, env: { AUTH_FILE: { file } } } })["g"]!;
  expect(dummiesOf("g", grant)).toEqual([jwt, "rt_WEIRDUMMY-0123456789"]);
});

describe("the examples of docs/credential-injection.md", () => {
  const text = readFileSync(new URL("../../../../docs/credential-injection.md", import.meta.url), "utf8");
  const examples = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = ""]) => (parseYaml(yaml) as { grants: Record<string, { inject: Partial<InjectConfig> }> }).grants);

  test("are grants that the configuration takes", () => {
    for (const grants of examples) expect(grantsConfig.safeParse(grants).error?.issues ?? [], Object.keys(grants).join()).toEqual([]);
  });

  test("have a dummy to replace where they name no placeholder", () => {
    for (const grants of examples) {
      for (const [name, grant] of Object.entries(grantsConfig.parse(grants))) {
        if (grant.inject.type === "placeholder" && grant.inject.placeholder === undefined) expect(dummiesOf(name, grant), name).toHaveLength(1);
      }
    }
  });

  test("show each way of injection", () => {
    const shown = new Set(examples.flatMap((grants) => Object.values(grants).map(({ inject }) => inject.type ?? "header")));
    expect(shown).toEqual(new Set(["header", "basic", "git", "query", "cookie", "aws-sigv4", "client-certificate", "placeholder"]));
  });
});
