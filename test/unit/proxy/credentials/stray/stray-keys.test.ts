import { describe, expect, test } from "vitest";
import { Secret } from "../../../../../common/secret.ts";
import { dummiesOf } from "../../../../../proxy/credentials/dummies.ts";
import { LiveSecrets } from "../../../../../proxy/credentials/stray/live-secrets.ts";
import { StrayKeys, type Standing } from "../../../../../proxy/credentials/stray/stray-keys.ts";
import type { EgressError } from "../../../../../proxy/errors.ts";
import { NO_LOAN } from "../../../../../proxy/model/loan.ts";
import type { RequestHead } from "../../../../../proxy/model/request.ts";
import { aHead, someGrants } from "../../../../support/credentials.ts";
import { aLoan, aMaterial } from "../../../../support/injections.ts";

const source = { credential: { type: "environment", name: "REAL" }, bind: { hosts: ["api.example.test"] } };
const GRANTS = someGrants({
  github: { ...source, env: { GH_TOKEN: "github" } },
  claude: { ...source, env: { ANTHROPIC_API_KEY: "auto" } },
  aws: { ...source, env: { AWS_ACCESS_KEY_ID: "auto", AWS_SECRET_ACCESS_KEY: "auto" } },
  custom: { ...source, env: { TOKEN: { value: "my-own-dummy-token-1" }, REGION: { value: "eu-central-1" }, URL: { value: "https://api.example.test/v1" } } },
});
const dummy = (name: keyof typeof GRANTS, index = 0): string => dummiesOf(name, GRANTS[name]!)[index]!;
const DUMMY = dummy("github");
const OPAQUE = "q7Zr-3xVtLp0_aWm9YbNc2Ke";
const REAL_SHAPED = `ghp_${"a1B2".repeat(9)}`;

function keys(...live: readonly (readonly [secret: string, grant: string])[]): StrayKeys {
  const secrets = new LiveSecrets();
  for (const [secret, grant] of live) secrets.note({ ...NO_LOAN, secrets: [new Secret(secret)], owners: [0] }, [{ name: grant }]);
  return new StrayKeys(Object.entries(GRANTS).map(([name, grant]) => ({ name, grant })), secrets);
}

const EVERYTHING: Standing = { lent: [], held: null };

function refusal(over: Partial<RequestHead>, standing: Partial<Standing> = {}, stray = keys([OPAQUE, "claude"])): EgressError | null {
  try {
    stray.refuse(aHead(over), { ...EVERYTHING, ...standing });
    return null;
  } catch (error) {
    return error as EgressError;
  }
}
const ruleOf = (...given: Parameters<typeof refusal>): string | null => refusal(...given)?.explanation?.rule ?? null;

const base64 = (text: string) => Buffer.from(text).toString("base64");
const PLACES: readonly [string, (key: string) => Partial<RequestHead>][] = [
  ["a bearer token", (key) => ({ headers: [["authorization", `Bearer ${key}`]] })],
  ["HTTP Basic", (key) => ({ headers: [["authorization", `Basic ${base64(`user:${key}`)}`]] })],
  ["HTTP Basic of another field", (key) => ({ headers: [["x-anything", `basic ${base64(`${key}:x`)}`]] })],
  ["a cookie", (key) => ({ headers: [["cookie", `a=1; session=${key}; b=2`]] })],
  ["any field", (key) => ({ headers: [["x-anything", key]] })],
  ["a value in quotes", (key) => ({ headers: [["x-anything", `{"k":"${key}"}`]] })],
  ["the query", (key) => ({ query: `a=1&k=${key}&b=2` })],
  ["the query, escaped", (key) => ({ query: `k=%22${key.replaceAll("_", "%5F")}%22` })],
  ["a query with broken escapes", (key) => ({ query: `a=%zz&b=%E4&k=${key.replaceAll("_", "%5F")}` })],
  ["a segment of the path", (key) => ({ segments: ["v1", key, "send"] })],
];

describe("a key whose grant is not lent", () => {
  test.each(PLACES)("is refused in %s: a dummy, one of the right shape, a secret in use", (_place, put) => {
    expect(ruleOf(put(DUMMY))).toBe("grant.github");
    expect(ruleOf(put(REAL_SHAPED))).toBe("grant.github");
    expect(ruleOf(put(OPAQUE))).toBe("grant.claude");
  });

  test.each(PLACES.slice(4))("passes in %s where its grant is lent", (_place, put) => {
    expect(ruleOf(put(DUMMY), { lent: ["github"] })).toBeNull();
    expect(ruleOf(put(REAL_SHAPED), { lent: ["github"] })).toBeNull();
    expect(ruleOf(put(OPAQUE), { lent: ["claude"] })).toBeNull();
  });

  test("is refused where another grant is lent, but for fields that the loan replaces", () => {
    expect(ruleOf({ headers: [["x-anything", DUMMY]] }, { lent: ["claude"] })).toBe("grant.github");
    expect(ruleOf({ headers: [["authorization", `Bearer ${DUMMY}`]] }, { lent: ["claude"] })).toBeNull();
  });

  test("is refused inside of something else, as a bot's path has it", () => {
    expect(ruleOf({ segments: [`bot${DUMMY}x`] })).toBe("grant.github");
  });

  test("is refused over plain http too", () => {
    expect(ruleOf({ scheme: "http", headers: [["authorization", DUMMY]] })).toBe("grant.github");
  });

  test("may be a dummy of the grant's own making, but no setting that stands beside it", () => {
    expect(ruleOf({ headers: [["x-token", "my-own-dummy-token-1"]] })).toBe("grant.custom");
    expect(ruleOf({ headers: [["x-region", "eu-central-1"], ["referer", "https://api.example.test/v1"]] })).toBeNull();
  });

  test("may be the id of a key in a field, but not in a link, where everybody sees it", () => {
    expect(ruleOf({ headers: [["authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261101/eu-west-1/s3/aws4_request"]] })).toBe("grant.aws");
    expect(ruleOf({ query: "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261101" })).toBeNull();
    expect(ruleOf({ query: `X-Amz-Credential=${dummy("aws")}` })).toBe("grant.aws");
  });

  test("of a kind of which no grant has dummies is the agent's own affair", () => {
    expect(ruleOf({ headers: [["authorization", `Bearer glpat-${"a1B2".repeat(5)}`]] })).toBeNull();
  });
});

test.each(PLACES)("a placeholder that a grant names itself is refused in %s where it is not lent, whatever characters it has", (_place, put) => {
  for (const placeholder of ["{{telegram.token}}", "PLACEHOLDER-for-telegram-0001", "a:short~one."]) {
    const inject = { type: "placeholder", in: ["path"], placeholder };
    const named = someGrants({ telegram: { ...source, inject } });
    const stray = new StrayKeys([{ name: "telegram", grant: named["telegram"]! }], new LiveSecrets());
    expect(ruleOf(put(placeholder), {}, stray)).toBe("grant.telegram");
    expect(ruleOf({ headers: [["x-anything", placeholder]] }, { lent: ["telegram"] }, stray)).toBeNull();
    expect(ruleOf(put(placeholder), { held: [] }, stray)).toBeNull();
  }
});

describe("the answer to a key that went astray", () => {
  test("is the same for a dummy, for a shape and for the secret itself", () => {
    const live = keys([REAL_SHAPED, "github"]);
    const answers = [DUMMY, REAL_SHAPED, `ghp_${"Zz9Y".repeat(9)}`].map((key) => refusal({ headers: [["x-anything", key]] }, {}, live)?.explanation);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test("holds neither the key nor a part of it", () => {
    for (const key of [DUMMY, REAL_SHAPED, OPAQUE]) {
      const error = refusal({ headers: [["x-anything", key]] });
      expect(JSON.stringify([error?.message, error?.explanation])).not.toContain(key.slice(4, 14));
    }
  });

  test("does not exist for a secret that could be guessed, or is a part of a longer one", () => {
    for (const weak of ["hunter2hunter2", "correct-horse-battery-staple", "aaaaaaaaaaaaaaaaaaaaaaaaA1"]) {
      expect(ruleOf({ headers: [["x-anything", weak]] }, {}, keys([weak, "claude"]))).toBeNull();
    }
    expect(ruleOf({ headers: [["x-anything", `${OPAQUE}x`]] })).toBeNull();
    expect(ruleOf({ headers: [["x-anything", OPAQUE.slice(0, -1)]] })).toBeNull();
  });

  test.each([
    ["basic", { type: "basic", user: "deploy-bot@example.com" }], ["git", { type: "git", user: "deploy-bot@example.com" }], ["header", { type: "header", basicUser: "deploy-bot@example.com" }],
  ])("does not exist for one that could be guessed beside a user that is known (%s)", (_type, inject) => {
    const guess = (password: string, known: string) => {
      const loan = aLoan([[inject, aMaterial({ value: known })]]);
      const secrets = new LiveSecrets();
      secrets.note(loan, loan.secrets.map(() => ({ name: "claude" })));
      return ruleOf({ headers: [["x-anything", base64(`deploy-bot@example.com:${password}`)]] }, {}, new StrayKeys([], secrets));
    };
    expect([guess("summer24", "summer24"), guess("summer23", "summer24")]).toEqual([null, null]);
    expect(guess(OPAQUE, OPAQUE)).toBe("grant.claude");
  });

  test("does not exist for a short one in base64, which makes it longer", () => {
    const short = "Zq7r-3xvtlP0_AwM9y";
    expect(ruleOf({ headers: [["x-anything", Buffer.from(short).toString("base64url")]] }, {}, keys([short, "claude"]))).toBeNull();
  });

  test("names no grant that the agent does not hold", () => {
    expect(ruleOf({ headers: [["x-anything", DUMMY]] }, { held: ["claude"] })).toBeNull();
    expect(ruleOf({ headers: [["x-anything", REAL_SHAPED]] }, { held: ["claude"] })).toBeNull();
    const error = refusal({ headers: [["x-anything", OPAQUE]] }, { held: ["github"] });
    expect(error?.explanation?.rule).toBe("grants.not-held");
    expect(JSON.stringify(error?.explanation)).not.toContain("claude");
    expect(error?.message).toContain("claude");
  });
});

test("of secrets that are lent together each belongs to its own grant", () => {
  const secrets = new LiveSecrets();
  const other = "Zq7r-3xvtlP0_AwM9yBnC2kE";
  secrets.note({ ...NO_LOAN, secrets: [new Secret(OPAQUE), new Secret(other)], owners: [0, 1] }, [{ name: "claude" }, { name: "github" }]);
  expect([OPAQUE, other].map((key) => secrets.ownersOf(key))).toEqual([["claude"], ["github"]]);
});

test("a secret in use is known in base64 too", () => {
  expect(ruleOf({ headers: [["x-anything", Buffer.from(OPAQUE).toString("base64url")]] })).toBe("grant.claude");
});

test("a head without any key passes", () => {
  const headers: [string, string][] = [["user-agent", "node/26"], ["accept", "application/json"], ["x-request-id", "0b6a2b1c-9d7e-4f1a-8a2b-1c9d7e4f1a8a"], ["authorization", "Bearer of-the-agents-own-making-123"]];
  expect(ruleOf({ headers, query: "page=2&cursor=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", segments: ["v1", "models", "a-very-long-model-name-20261101"] })).toBeNull();
});

test("looking costs the same however many dummies there are", () => {
  const many = someGrants(Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`g${index}`, { ...source, env: { [`GH_TOKEN_${index}`]: "github" } }])));
  const stray = new StrayKeys(Object.entries(many).map(([name, grant]) => ({ name, grant })), new LiveSecrets());
  const text = "ghp_WEIRDUMMYxxxxxxx.".repeat(3_000);
  const startedMs = performance.now();
  stray.refuse(aHead({ headers: [["x-anything", text]] }), EVERYTHING);
  expect(performance.now() - startedMs).toBeLessThan(200);
});

test("looking costs no more than its length says (R09)", () => {
  const stray = keys([OPAQUE, "claude"]);
  const costMs = (text: string): number => {
    const startedMs = performance.now();
    for (let round = 0; round < 20; round += 1) expect(() => { stray.refuse(aHead({ headers: [["x-anything", text]], query: `q=${text}` }), EVERYTHING); }).not.toThrow();
    return performance.now() - startedMs;
  };
  for (const piece of ["a", "sk-ant-", "ghp_", "a.", "%", "%4", "basic ", "WEIRDUMM", "WEIRDUMMY", "ghp_WEIRDUMMYxxxx.", DUMMY.slice(0, -1)]) expect(costMs(piece.repeat(64 * 1024 / piece.length)), piece).toBeLessThan(1_000);
});
