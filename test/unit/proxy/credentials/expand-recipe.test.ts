import { describe, expect, test } from "vitest";
import { withRecipe } from "../../../../proxy/credentials/expand-recipe.ts";
import { grantsConfig } from "../../../../proxy/credentials/config.ts";
import { someGrants } from "../../../support/credentials.ts";

const credential = { type: "environment", name: "REAL" };
const read = (grant: object) => someGrants({ own: { credential, ...grant } })["own"];
const problems = (grant: object) => grantsConfig.safeParse({ own: { credential, ...grant } }).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];

describe("a grant that uses a recipe", () => {
  test("says no more than where the secret is", () => {
    expect(read({ use: "brave" })).toEqual({
      use: "brave", credential, inject: { type: "header", header: "x-subscription-token", format: "{secret}" },
      bind: { hosts: ["api.search.brave.com"], ports: [443], methods: ["GET", "POST"], paths: ["/res/**"], notPaths: [] }, env: { BRAVE_API_KEY: "brave" },
    });
  });

  test("overrides one field of the binding and keeps the others", () => {
    expect(read({ use: "npm", bind: { methods: ["GET", "HEAD", "PUT"] } })?.bind).toMatchObject({ hosts: ["registry.npmjs.org"], methods: ["GET", "HEAD", "PUT"] });
  });

  test("overrides one field of the injection and keeps the others, or all of it by another type", () => {
    expect(read({ use: "brave", inject: { header: "x-other" } })?.inject).toEqual({ type: "header", header: "x-other", format: "{secret}" });
    expect(withRecipe({ use: "brave", inject: { type: "query", parameter: "key" } })).toMatchObject({ inject: { type: "query", parameter: "key" } });
    expect(withRecipe({ use: "brave", inject: { type: "query", parameter: "key" } })).not.toHaveProperty(["inject", "header"]);
  });

  test("keeps the recipe's type of injection while it names none", () => {
    expect(read({ use: "aws", inject: { services: ["s3"] }, bind: { hosts: ["s3.eu-central-1.amazonaws.com"] } })?.inject).toMatchObject({ type: "aws-sigv4", regions: ["*"], services: ["s3"] });
    expect(problems({ use: "aws", bind: { hosts: ["s3.eu-central-1.amazonaws.com"] } })).toEqual([expect.stringContaining("own.inject.services")]);
  });

  test("sets the variables that it names itself, and none but those", () => {
    expect(read({ use: "github", env: { GITHUB_TOKEN: "github-fine-grained" } })?.env).toEqual({ GITHUB_TOKEN: "github-fine-grained" });
    expect(read({ use: "github", env: {} })?.env).toEqual({});
  });

  test("is the same when it is read again", () => {
    const once = read({ use: "github-git" });
    expect(someGrants({ own: once })["own"]).toEqual(once);
  });

  test("is refused where the recipe is unknown, also under a name that every object has", () => {
    expect(problems({ use: "nothing", bind: { hosts: ["a.test"] } })[0]).toContain("own.use: must be one of anthropic");
    expect(problems({ use: "constructor", bind: { hosts: ["a.test"] } })[0]).toContain("own.use: must be one of");
  });

  test("is refused where the recipe leaves the hosts to it and it names none", () => {
    expect(problems({ use: "atlassian", inject: { type: "basic", user: "me@example.test" } })).toEqual([expect.stringContaining("own.bind.hosts")]);
  });

  test("is refused where what it overrides is not acceptable", () => {
    expect(problems({ use: "brave", bind: { hosts: ["*.brave.com"] } })).toEqual([expect.stringContaining("own.bind.hosts.0")]);
    expect(problems({ use: "brave", bind: "everywhere" })).toEqual([expect.stringContaining("own.bind")]);
    expect(problems({ use: "brave", inject: { header: "host" } })).toEqual([expect.stringContaining("own.inject.header")]);
  });

  test("without a recipe still has to say where it may go", () => {
    expect(problems({})).toEqual([expect.stringContaining("own.bind")]);
  });
});
