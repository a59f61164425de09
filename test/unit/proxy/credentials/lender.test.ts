import { NO_LOAN } from "../../../../proxy/model/loan.ts";
import { describe, expect, test } from "vitest";
import { ERROR_TABLE, type EgressError } from "../../../../proxy/errors.ts";
import { AUTH_HEADERS } from "../../../../proxy/credentials/auth-headers.ts";
import { openLender } from "../../../../proxy/credentials/lender.ts";
import type { RequestHead } from "../../../../proxy/model/request.ts";
import { aHead, A_BORROWER, CANARY, credentialSettings, someGrants } from "../../../support/credentials.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const bind = { hosts: ["api.example.test"], methods: ["GET"], paths: ["/v1/**"] };

function lender(grants: Record<string, unknown>, environment: Record<string, string> = { REAL: CANARY }) {
  const opened = openLender({ grants: someGrants(grants), credentials: credentialSettings() }, { environment }, new TestClock());
  return (names: readonly string[], over: Partial<RequestHead> = {}) => opened.lend(names, A_BORROWER, aHead(over), NEVER);
}

const GITHUB = { credential: { type: "environment", name: "REAL" }, bind };
const refusal = async (promise: Promise<unknown>) => promise.then(() => null, (error: unknown) => error as EgressError);

describe("the lender", () => {
  test("lends nothing and strips nothing when policy names no grant", async () => {
    expect(await lender({ github: GITHUB })([])).toEqual(NO_LOAN);
  });

  test("lends the header of a grant inside its binding, and names it for the record", async () => {
    const loan = await lender({ github: GITHUB })(["github"]);
    expect(loan.headers.map(([name, value]) => [name, value.reveal()])).toEqual([["authorization", `Bearer ${CANARY}`]]);
    expect(loan.references).toEqual(["github@environment:REAL#start"]);
    expect(loan.secrets.map((secret) => secret.reveal())).toEqual([CANARY]);
  });

  test("strips every auth header that it knows, and the one that it sets", async () => {
    const loan = await lender({ github: { ...GITHUB, inject: { header: "x-special-key", format: "{secret}" } } })(["github"]);
    expect(loan.strip).toEqual([...AUTH_HEADERS, "x-special-key"]);
  });

  test("lends two grants that set different headers", async () => {
    const loan = await lender({ a: GITHUB, b: { ...GITHUB, inject: { header: "x-api-key", format: "{secret}" } } })(["a", "b"]);
    expect(loan.headers.map(([name]) => name)).toEqual(["authorization", "x-api-key"]);
  });

  test("refuses two grants that set one header, rather than drop a credential", async () => {
    const error = await refusal(lender({ a: GITHUB, b: GITHUB })(["a", "b"]));
    expect([error?.code, error?.message]).toEqual(["credential.unavailable", "grants a and b both set authorization"]);
  });

  test("lends one grant once, however often policy names it", async () => {
    expect((await lender({ github: GITHUB })(["github", "github"])).headers).toHaveLength(1);
  });

  test.each([
    ["over plain http", { scheme: "http" as const, port: 80 }], ["at another host", { host: "evil.test" }], ["at another port", { port: 8443 }],
    ["with another method", { method: "POST" }], ["at another path", { path: "/admin" }],
  ])("lends nothing %s, and says why", async (_name, over) => {
    const error = await refusal(lender({ github: GITHUB })(["github"], over));
    expect([error?.code, error?.explanation?.rule]).toEqual(["credential.misdirected", "grant.github"]);
  });

  test("lends nothing at all if one of the grants is outside its binding", async () => {
    const elsewhere = { ...GITHUB, inject: { header: "x-api-key", format: "{secret}" }, bind: { hosts: ["other.test"] } };
    expect((await refusal(lender({ a: GITHUB, b: elsewhere })(["a", "b"])))?.code).toBe("credential.misdirected");
  });

  test("refuses a grant that is not configured", async () => {
    expect((await refusal(lender({ github: GITHUB })(["gitlab"])))?.code).toBe("credential.unavailable");
  });

  test("does not take names of the prototype for grants", async () => {
    expect((await refusal(lender({ github: GITHUB })(["constructor"])))?.code).toBe("credential.unavailable");
  });

  test("tells the agent the same whether the secret is missing, empty, unusable or the grant unknown", async () => {
    const grants = {
      missing: { ...GITHUB, credential: { type: "environment", name: "MISSING" } }, empty: { ...GITHUB, credential: { type: "environment", name: "EMPTY" } },
      broken: { ...GITHUB, credential: { type: "environment", name: "BROKEN" } },
    };
    const lend = lender(grants, { EMPTY: "", BROKEN: "a\nb" });
    const errors = await Promise.all(["missing", "empty", "broken", "unknown"].map(async (name) => refusal(lend([name]))));
    const told = errors.map((error) => error && { code: error.code, says: ERROR_TABLE[error.code].says, explanation: error.explanation });
    expect(told).toEqual(Array.from({ length: 4 }, () => ({ code: "credential.unavailable", says: ERROR_TABLE["credential.unavailable"].says, explanation: undefined })));
  });

  test("does not open when a grant needs a Vault that is not configured", () => {
    expect(() => lender({ github: { ...GITHUB, credential: { type: "vault", path: "x" } } })).toThrow("credentials.vault is missing");
  });
});

describe("grants of the boundary", () => {
  const VAULT = { credential: { type: "vault", path: "agents/github" }, bind };
  const IDENTITY = { credential: { type: "identity" }, bind: { hosts: ["weir.internal"] } };

  function opened(configured: Record<string, unknown> = {}) {
    const settings = credentialSettings({ vault: { address: "http://127.0.0.1:8200", tokenFile: "/nowhere" } });
    return openLender({ grants: someGrants(configured), credentials: settings }, { environment: { REAL: CANARY }, identityTokenFile: "/nowhere" }, new TestClock());
  }
  const codeOf = async (open: ReturnType<typeof opened>, name: string) => (await refusal(open.lend([name], A_BORROWER, aHead(), NEVER)))?.message;

  test("count when they are applied, and no longer when the next ones are", async () => {
    const open = opened({ github: GITHUB });
    const { problems, apply } = open.prepare({ "a.github": VAULT });
    expect(problems).toEqual([]);
    expect(await codeOf(open, "a.github")).toBe("grant a.github is not configured");
    apply();
    expect(await codeOf(open, "a.github")).toMatch(/vault:secret\/agents\/github/);
    open.prepare({}).apply();
    expect(await codeOf(open, "a.github")).toBe("grant a.github is not configured");
    expect((await open.lend(["github"], A_BORROWER, aHead(), NEVER)).secrets).toHaveLength(1);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a file of the node", { "a.b": { ...VAULT, credential: { type: "file", path: "/etc/shadow" } } }, /must not be of the node/],
    ["a variable of the node", { "a.b": { ...VAULT, credential: { type: "environment", name: "REAL" } } }, /must not be of the node/],
    ["the proxy's identity under another name", { "a.b": IDENTITY }, /no other/],
    ["another credential under the identity's name", { "weir.internal": VAULT }, /no other/],
    ["the proxy's identity for another host", { "weir.internal": { ...IDENTITY, bind } }, /weir\.internal alone/],
    ["a header by which the controller knows instances", { "a.b": { ...VAULT, inject: { header: "x-weir-instance" } } }, /Weir's own/],
    ["what is no grant at all", { "a.b": 1 }, /a\.b/],
    ["a name of the configuration", { github: VAULT }, /own configuration/],
  ])("cannot be %s", (_what, grants, why) => {
    const { problems, apply } = opened({ github: GITHUB }).prepare({ ...grants, "a.good": VAULT });
    apply();
    expect(problems).toEqual([expect.stringMatching(why)]);
  });

  test("take nothing from Vault where no Vault is configured, and the others still count", () => {
    const open = openLender({ grants: {}, credentials: credentialSettings() }, { environment: {}, identityTokenFile: "/nowhere" }, new TestClock());
    expect(open.prepare({ "a.github": VAULT, "weir.internal": IDENTITY }).problems).toEqual([expect.stringContaining("credentials.vault is missing")]);
  });
});
