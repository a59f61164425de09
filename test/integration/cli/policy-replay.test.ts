import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { systemClock } from "../../../common/clock.ts";
import { silentLog } from "../../../common/log.ts";
import { momentBefore } from "../../../cli/duration-option.ts";
import { auditConfig } from "../../../proxy/audit/config.ts";
import { openAudit } from "../../../proxy/audit/open-audit.ts";
import { policyData } from "../../../proxy/policy/data.ts";
import { anExchange } from "../../support/audit-records.ts";
import { weir as runWeir } from "../../support/cli.ts";
import { anInput } from "../../support/past-decisions.ts";

/** Of cli/policy/replay.ts, cli/policy/replay-report.ts, cli/policy/shadow.ts, cli/policy/suggest.ts and cli/commands/explain.ts. */
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "weir-replay-cli-"));
  for (const [name, methods] of [["policy", ["GET"]], ["next", ["POST"]]] as const) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, "data.yaml"), JSON.stringify({ hosts: [{ name: "api.test", rule: name, methods }] }));
  }
  writeFileSync(join(directory, "weir.yaml"), JSON.stringify({ policy: { directory: join(directory, "policy") }, audit: { directory: join(directory, "audit") } }));
  const log = await openAudit(auditConfig.parse({}), { directory: join(directory, "audit"), clock: systemClock, log: silentLog });
  for (const [at, method] of ["GET", "GET", "POST"].entries()) await log.commit(exchange(`x-${at}`, method));
  await log.commit({ ...exchange("x-old", "GET"), decision: { allowed: true, rule: "policy", revision: "r1", grants: [], budgets: [] } });
  await log.close();
});
afterAll(() => { rmSync(directory, { recursive: true }); });

function exchange(exchangeId: string, method: string) {
  const allowed = method === "GET";
  const input = anInput({ request: { ...anInput().request!, method } }) as unknown as Record<string, unknown>;
  return anExchange({
    exchangeId, method, host: "api.test", path: "/v1/things", timeMs: systemClock.nowMs(), agent: { namespace: "local", name: "coder", thread: "t", instance: "i", user: "", chain: [] },
    decision: { allowed, rule: "policy", revision: "r1", grants: [], budgets: [], input: { input, redacted: [] }, shadow: { revision: "r2", outcome: allowed ? "deny" : "allow", rule: "next" } },
    ...(allowed ? {} : { outcome: "denied" as const, status: 403, error: { code: "policy.denied" as const, detail: "no", rule: "policy", reason: "no", hint: "" } }),
  });
}

async function weir(...args: readonly string[]) {
  const { out: text, err: said, code: exitCode } = await runWeir([...args, "-c", join(directory, "weir.yaml")]);
  return { text, said, exitCode };
}

describe("the past under another policy", () => {
  test("is summed up, with what changes and what cannot be told", async () => {
    const said = await weir("policy", "replay", "--policy", join(directory, "next"));
    expect(said.text).toContain("Of 4 decisions");
    expect(said.text).toContain("would newly deny 2, newly allow 1, newly ask 0; unchanged 0");
    expect(said.text).toContain("not replayed: 1 whose record has no input");
    expect(said.exitCode).toBe(0);
  });

  test("fails a pipeline if something changes, and does not if nothing does", async () => {
    expect((await weir("policy", "replay", "--policy", join(directory, "next"), "--fail-on-change")).exitCode).toBe(1);
    expect((await weir("policy", "replay", "--policy", join(directory, "policy"), "--fail-on-change")).exitCode).toBe(0);
  });

  test.each([["replay", "--policy", "policy"], ["suggest"], ["shadow"]])("is no result where nothing was ever recorded: %s", async (command, ...args) => {
    const nowhere = join(directory, "nowhere");
    const { exitCode, said, text } = await weir("policy", command, ...args.map((arg) => (arg === "policy" ? join(directory, arg) : arg)), "--audit", nowhere);
    expect({ exitCode, text }).toEqual({ exitCode: 1, text: "" });
    expect(said).toContain(`nothing is recorded in ${nowhere}`);
  });

  test.each([["replay", "--policy", "policy", "--fail-on-change"], ["suggest"], ["shadow"]])("is no good news where the filter finds nothing: %s", async (command, ...args) => {
    const { exitCode, said } = await weir("policy", command, ...args.map((arg) => (arg === "policy" ? join(directory, arg) : arg)), "--agent", "nobody");
    expect(exitCode).toBe(1);
    expect(said).toMatch(/no (?:decision|refusal) of agent nobody since/);
  });

  test("is summed up from what the shadow said", async () => {
    expect((await weir("policy", "shadow")).text).toContain("Of 3 decisions, policy r2 would newly deny 2, newly allow 1, newly ask 0; unchanged 0");
  });

  test("gives entries for what was refused, as data that is fit", async () => {
    const { text } = await weir("policy", "suggest");
    expect(policyData.parse(parse(text)).hosts).toMatchObject([{ name: "api.test", methods: ["POST"], paths: ["/v1/things"], agents: ["local/coder"] }]);
    expect(text).toMatch(/# once, .*Z x-2: POST https:\/\/api.test\/v1\/things\n +# checked: it would have allowed it\n/);
  });

  test("is explained for one refusal by asking again", async () => {
    const { text } = await weir("explain", "x-2");
    expect(text).toContain("checked: with this entry the policy allows it");
    expect(text).toMatch(/shadow: {2}allow by rule next/);
    expect(text).toMatch(/deny {6}policy: method POST is not allowed/);
  });
});

test("a moment is a time, or how long ago", () => {
  expect(momentBefore(10_000_000)("90s")).toBe(9_910_000);
  expect(momentBefore(0)("2026-11-01T00:00:00Z")).toBe(Date.UTC(2026, 10, 1));
  expect(() => momentBefore(0)("soon")).toThrow("it is a time, or how long ago");
});
