import { describe, expect, test } from "vitest";
import { AUTH_HEADERS } from "../../../../proxy/credentials/auth-headers.ts";
import { misdirection } from "../../../../proxy/credentials/binding.ts";
import { ISSUING_PATHS } from "../../../../proxy/credentials/issuing-paths.ts";
import { RECIPES } from "../../../../proxy/credentials/recipes.ts";
import { aHead, someGrants } from "../../../support/credentials.ts";

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

  test.each([
    ["gitlab", "gitlab.com", "/api/v4/personal_access_tokens/self/rotate"], ["gitlab", "gitlab.com", "/api/v4/projects/1/access_tokens"], ["gitlab", "gitlab.com", "/api/v4/projects/acme%2Fapp/access_tokens.json"],
    ["gitlab", "gitlab.com", "/api/v4/groups/1/deploy_tokens"], ["gitlab", "gitlab.com", "/api/v4/user/runners"], ["gitlab", "gitlab.com", "/api/v4/users/1/impersonation_tokens"], ["gitlab", "gitlab.com", "/api/v4/user/keys"],
    ["claude-subscription", "api.anthropic.com", "/api/oauth/claude_cli/create_api_key"], ["openai", "api.openai.com", "/v1/realtime/client_secrets"], ["openai", "api.openai.com", "/v1/realtime/sessions"],
    ["openai", "api.openai.com", "/v1/organization/admin_api_keys"], ["stripe", "api.stripe.com", "/v1/ephemeral_keys"], ["huggingface", "huggingface.co", "/api/models/me/m/xet-write-token/main"],
    ["huggingface", "huggingface.co", "/api/models/m/xet-read-token/main"], ["github", "api.github.com", "/repos/o/r/actions/runners/registration-token"], ["github", "api.github.com", "/repositories/1/actions/runners/remove-token"],
    ["github", "api.github.com", "/app/installations/1/access_tokens"], ["slack", "slack.com", "/api/apps.connections.open"], ["crates-io", "crates.io", "/api/v1/me/tokens"], ["gcloud", HOST, "/v1/projects/-/serviceAccounts/a@b:generateAccessToken"],
  ])("%s lends nothing to %s%s, which answers with a credential, unless the grant says so", (use, host, path) => {
    const { own, frank } = someGrants({ own: grantOf(use), frank: { ...grantOf(use), env: {}, bind: { ...grantOf(use).bind, notPaths: [] } } });
    const head = aHead({ method: "POST", host, path });
    expect(own && misdirection(own.bind, head)).toContain("leaves out");
    expect(frank && misdirection(frank.bind, head)).toBeNull();
  });

  test.each([
    ["gitlab", "gitlab.com", "/api/v4/projects/1/merge_requests"], ["claude-subscription", "api.anthropic.com", "/api/oauth/profile"], ["anthropic", "api.anthropic.com", "/v1/messages"], ["openai", "api.openai.com", "/v1/responses"],
    ["github", "api.github.com", "/repos/o/r/actions/runners"], ["github", "api.github.com", "/graphql"], ["huggingface", "huggingface.co", "/api/models/me/m"], ["slack", "slack.com", "/api/chat.postMessage"], ["stripe", "api.stripe.com", "/v1/customers"],
  ])("%s lends to %s%s, which does not", (use, host, path) => {
    expect(misdirection(someGrants({ own: grantOf(use) })["own"]!.bind, aHead({ host, path }))).toBeNull();
  });

  test("leaves paths out for a recipe that there is", () => {
    for (const use of Object.keys(ISSUING_PATHS)) expect(RECIPES).toHaveProperty(use);
  });

  test("says of each variable what the agent reads, and no two of them make different dummies of one variable", () => {
    const together = Object.keys(RECIPES).map((use) => [use, grantOf(use)]);
    expect(() => someGrants(Object.fromEntries(together))).not.toThrow();
  });
});
