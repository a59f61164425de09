import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { runCases } from "../../proxy/policy/cases.ts";
import { checkPolicy } from "../../proxy/policy/check-policy.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { explainRecord } from "../../proxy/policy/explain-record.ts";
import { STARTER_POLICY_FILES } from "../../proxy/policy/starter.ts";
import { parseTrial, runTrial, type Trial } from "../../proxy/policy/trial.ts";
import type { ExchangeRecord } from "../../proxy/model/record.ts";
import { anEngine } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { trialsAt } from "../support/trial-context.ts";

const NOW = trialsAt(new Date("2026-01-01T12:00:00Z"));

describe("the starter policy", () => {
  test("is fit and passes its own cases", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    const results = await runCases(directory, await anEngine(policyConfig.parse({ directory })), NOW);
    expect(results.length).toBeGreaterThanOrEqual(4);
    expect(results.filter(({ failure }) => failure !== null)).toEqual([]);
  });

  test("stays fit when a reader takes the comment signs away", async () => {
    const text = (STARTER_POLICY_FILES["data.yaml"] ?? "").replaceAll(/^( *)# (?=( {0,4}(- name|- cidr|- pack|rule|paths|grants|agents|ports|handling|effect|reason|access|with|ask):)|addresses:|packs:)/gm, "$1");
    const directory = await aFolder({ "data.yaml": text });
    expect(text).not.toMatch(/^ *# +(- name|- pack|grants)/m);
    expect(await checkPolicy(policyConfig.parse({ directory }), {})).toContain(directory);
  });
});

describe("a case", () => {
  const DATA = "hosts: [{name: a.test, rule: a.read, grants: [g]}, {name: db.test, ports: [5432], handling: tunnel}]\n";
  const failureOf = async (text: string) => {
    const directory = await aFolder({ "data.yaml": DATA, "some_test.yaml": `cases:\n  - {name: it, ${text}}\n` });
    const [result] = await runCases(directory, await anEngine(policyConfig.parse({ directory })), NOW);
    return result?.failure === undefined || result.failure === null ? result?.failure : result.failure.split("\n")[0];
  };

  test.each([
    ["host: a.test, method: GET, expect: allow, rule: a.read, grants: [g], handling: intercept"],
    ["host: a.test, method: POST, expect: deny, rule: a.read"],
    ["host: db.test, port: 5432, wire: opaque, expect: allow, handling: tunnel"],
    ["host: 10.0.0.1, expect: deny, rule: addresses.default"],
    ["host: a.test, scheme: http, expect: deny"],
  ])("that holds has no failure: %s", async (text) => {
    expect(await failureOf(text)).toBeNull();
  });

  test.each([
    ["host: a.test, method: POST, expect: allow", "expected allow, got deny (exchange) by rule a.read: method POST is not allowed for a.test"],
    ["host: a.test, method: GET, expect: deny", "expected deny, got allow (exchange) by rule a.read"],
    ["host: b.test, method: GET, expect: deny, rule: a.read", "expected rule a.read, got deny (connection) by rule hosts.default: no entry names the host b.test"],
    ["host: a.test, method: GET, expect: allow, grants: []", "expected grants [], got [g]"],
    ["host: a.test, expect: allow, handling: tunnel", "expected handling tunnel, got intercept"],
  ])("that does not hold says what was different: %s", async (text, failure) => {
    expect(await failureOf(text)).toBe(failure);
  });

  test("with a mistake is reported with its place", async () => {
    await expect(failureOf("host: a.test, expect: maybe, metod: GET")).rejects.toMatchObject({ problems: [expect.stringContaining("cases.0.expect"), "line 2: cases.0.metod: unknown key; did you mean method?"] });
  });
});

describe("a trial", () => {
  test("asks for name, connection and request in turn, and ends with the first deny", async () => {
    const engine = await anEngine(policyConfig.parse({ data: { hosts: [{ name: "a.test" }], names: { hide: ["hidden.test"] } } }));
    const questionsOf = async (asked: Record<string, unknown>) => (await runTrial(engine, parseTrial(asked), NOW)).map(({ question, decision }) => `${question} ${decision.kind}`);
    expect(await questionsOf({ host: "A.test", method: "GET", path: "/a%20b?c=d" })).toEqual(["name allow", "connection allow", "exchange allow"]);
    expect(await questionsOf({ host: "a.test" })).toEqual(["name allow", "connection allow"]);
    expect(await questionsOf({ host: "hidden.test", method: "GET" })).toEqual(["name deny"]);
    expect(await questionsOf({ host: "10.0.0.1", method: "GET" })).toEqual(["connection deny"]);
  });

  test("with a mistake names the option", () => {
    expect(() => parseTrial({ host: "a.test", path: "/%zz", agent: "x" })).toThrow(/--path: .*\n--agent: /);
  });
});

test("the smallest entry that an explanation gives does allow the request, and no other", async () => {
  const refused: readonly Partial<Trial>[] = [
    { host: "a.test", method: "GET", path: "/x" }, { host: "a.test", method: "POST", path: "/x/a%20b" }, { host: "a.test", port: 8443, method: "DELETE" },
    { host: "a.test", scheme: "http", method: "GET" }, { host: "10.0.0.1", method: "PUT", path: "/" }, { host: "fd00::1", method: "GET", path: "/" },
  ];
  for (const asked of refused) {
    const trial = parseTrial(asked);
    const port = trial.port ?? (trial.scheme === "http" ? 80 : 443);
    const { entry } = explainRecord(recordOf(trial, port));
    const engine = await anEngine(policyConfig.parse({ data: parse(entry ?? "{}") as object }));
    const kindOf = async (difference: Partial<Trial>) => (await runTrial(engine, { ...trial, ...difference }, NOW)).at(-1)?.decision.kind;
    expect([await kindOf({}), entry]).toEqual(["allow", entry]);
    expect(await kindOf({ agent: "other/agent" })).toBe("deny");
    expect(await kindOf({ path: "/other" })).toBe("deny");
    expect(await kindOf({ method: "PATCH" })).toBe("deny");
    expect(await kindOf({ port: port + 1 })).toBe("deny");
  }
});

function recordOf(trial: Trial, port: number): ExchangeRecord {
  const [namespace = "", name = ""] = trial.agent.split("/");
  return {
    kind: "exchange", phase: "closed", timeMs: 0, agent: { namespace, name, thread: "t", instance: "i", user: "", chain: [] }, exchangeId: "e", connectionId: "c",
    method: trial.method ?? null, scheme: trial.scheme, host: trial.host, port, path: trial.path ?? "/", queryKeys: [], httpVersion: "1.1", userAgent: null, decision: null,
    credentials: [], redactions: [], outcome: "denied", error: { code: "policy.denied", detail: "", rule: "hosts.default", reason: "r", hint: "h" }, status: 403, upstreamAddress: null,
    durationMs: 0, usage: { requestBytes: 0, responseBytes: 0 },
  };
}
