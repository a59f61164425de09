import { describe, expect, test } from "vitest";
import { AUTH_HEADERS } from "../../../../proxy/credentials/auth-headers.ts";
import { RECIPES } from "../../../../proxy/credentials/recipes.ts";
import { someGrants } from "../../../support/credentials.ts";

const credential = { type: "environment", name: "REAL" };
const HOST = "site.example.test";
/** What a recipe leaves to its grant beside the hosts. */
const LEFT: Readonly<Record<string, { readonly inject?: object; readonly bind?: object }>> = {
  aws: { inject: { services: ["s3"] } }, postgres: { bind: { databases: ["app"] } },
};
/** The recipe as a grant that gives what the recipe leaves to it. */
const grantOf = (use: string) => {
  const { inject, bind } = LEFT[use] ?? {};
  const hosts = RECIPES[use]?.bind.hosts === undefined ? { hosts: [HOST] } : {};
  return { use, credential, bind: { ...hosts, ...bind }, ...(inject === undefined ? {} : { inject }) };
};

describe("each recipe", () => {
  test.each(Object.keys(RECIPES))("%s makes a whole grant of where the secret is", (use) => {
    const grant = someGrants({ own: grantOf(use) })["own"];
    expect(grant?.bind.hosts).toEqual(RECIPES[use]?.bind.hosts ?? [HOST]);
    expect(grant?.env).toEqual(RECIPES[use]?.env);
    expect(grant?.inject).toMatchObject(RECIPES[use]?.inject ?? {});
  });

  test.each(Object.keys(RECIPES))("%s replaces the very field by which the agent could bring an account of its own", (use) => {
    const { inject } = RECIPES[use] ?? {};
    if (inject?.["header"] !== undefined) expect(AUTH_HEADERS).toContain(inject["header"]);
    else expect(["basic", "git", "aws-sigv4", "postgres"]).toContain(inject?.["type"]);
  });

  test("says of each variable what the agent reads, and no two of them make different dummies of one variable", () => {
    const together = Object.keys(RECIPES).map((use) => [use, grantOf(use)]);
    expect(() => someGrants(Object.fromEntries(together))).not.toThrow();
  });
});
