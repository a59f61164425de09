import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { isFit, OPA_VERSION } from "../../proxy/policy/opa.ts";
import { buildPolicy, checkPolicyFolder, formatPolicy, runRegoTests } from "../../proxy/policy/policy-tool.ts";
import { compiler } from "./compiler.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { aName, aConnection, anExchange } from "./questions.ts";
import { weirPolicy } from "./weir-policy.ts";

const environment = readEnvironment();
const quiet = () => undefined;

const RULES = `package weir.custom.exchange

deny contains {"rule": "office.hours", "reason": "writing is for office hours", "hint": "try after nine"} if {
	input.request.method == "POST"
	[hour, _, _] := time.clock(time.parse_rfc3339_ns(input.time))
	hour < 9
}

allow contains {"rule": "partners", "grants": ["partner"]} if input.connection.name in data.custom.partners
`;
const CONNECTIONS = `package weir.custom.connection

allow contains {"rule": "partners"} if input.connection.name in data.custom.partners
`;
const NAMES = `package weir.custom.name

deny contains {"rule": "no.trackers", "reason": "it tracks", "hint": ""} if glob.match("*.tracker.*", ["."], input.dns.name)
`;
const DATA = `hosts: [{name: api.example.com, methods: [GET, POST]}]
custom: {partners: [partner.test]}
`;
const FOLDER = { "data.yaml": DATA, "exchanges.rego": RULES, "connections.rego": CONNECTIONS, "names.rego": NAMES };

describe("Rego of one's own beside the data", () => {
  test("refuses what the data allows, allows what it does not, and leaves the rest to it", async (context) => {
    compiler(context);
    const engine = await anEngine(policyConfig.parse({ directory: await aFolder(FOLDER) }));
    const at = (time: string, method: string) => ({ ...anExchange({ request: { method } }), time });
    expect(await asks(engine, "exchange", at("2026-01-01T08:59:59.000Z", "POST"))).toMatchObject({ kind: "deny", rule: "office.hours", reason: "writing is for office hours" });
    expect(await asks(engine, "exchange", at("2026-01-01T09:00:00.000Z", "POST"))).toMatchObject({ kind: "allow", rule: "hosts.api.example.com" });
    expect(await asks(engine, "connection", aConnection({ connection: { name: "partner.test" } }))).toMatchObject({ kind: "allow", rule: "partners", handling: "intercept" });
    expect(await asks(engine, "exchange", anExchange({ connection: { name: "partner.test" } }))).toMatchObject({ kind: "allow", rule: "partners", grants: ["partner"] });
    expect(await asks(engine, "exchange", anExchange({ connection: { name: "other.test" } }))).toMatchObject({ kind: "deny", rule: "hosts.default" });
    expect(await asks(engine, "name", aName("a.tracker.test"))).toMatchObject({ kind: "deny", rule: "no.trackers" });
    expect(await asks(engine, "name", aName("a.test"))).toMatchObject({ kind: "allow" });
  });

  test("that answers nonsense fails and never allows", async (context) => {
    compiler(context);
    const directory = await aFolder({ ...FOLDER, "exchanges.rego": "package weir.custom.exchange\n\nallow contains {\"rule\": \"x\", \"grants\": \"all\"} if input.version == 1\n" });
    const engine = await anEngine(policyConfig.parse({ directory }));
    await expect(asks(engine, "exchange", anExchange({ connection: { name: "other.test" } }))).rejects.toMatchObject({ code: "policy.unavailable" });
  });

  test("that answers with a key that there is not is told by rule and key, and fails its case alone", async (context) => {
    compiler(context);
    const worked = "package weir.custom.exchange\n\nallow contains answer if {\n\tinput.connection.name == \"b.test\"\n\tanswer := {\"rule\": \"x\", \"grant\": [\"g\"]}\n}\n";
    const hosts = "hosts: [{name: a.test}, {name: b.test, paths: [/x]}]\n";
    const cases = "cases: [{name: wrong, host: b.test, method: GET, expect: allow}, {name: right, host: a.test, method: GET, expect: allow}]\n";
    const directory = await aFolder({ "data.yaml": hosts, "a.rego": worked, "a_test.yaml": cases });
    const tried = (host: string) => weirPolicy("try", "--policy", directory, "--host", host, "--method", "GET");
    await expect(tried("b.test")).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining("(allow of rule x: unknown key grant)") });
    expect(await tried("a.test")).toMatchObject({ exitCode: 0 });
    expect(await weirPolicy("test", directory)).toMatchObject({ exitCode: 1, out: expect.stringMatching(/FAIL .*wrong[^]*unknown key grant[^]*1 case passed, 1 failed/) });
  });

  test("that a data key hides behind a typo is an error with its line", async (context) => {
    compiler(context);
    const directory = await aFolder({ ...FOLDER, "exchanges.rego": RULES.replace("input.request.method", "input.request.mehtod") });
    await expect(checkPolicyFolder(directory, environment, quiet)).rejects.toThrow(/exchanges\.rego:4: rego_type_error: undefined ref: input\.request\.mehtod/);
  });

  test("that reaches outside is an error with its line", async (context) => {
    compiler(context);
    const directory = await aFolder({ ...FOLDER, "exchanges.rego": "package weir.custom.exchange\n\nx := http.send({\"method\": \"GET\", \"url\": \"https://evil.test\"})\n" });
    await expect(buildPolicy(directory, environment, quiet)).rejects.toThrow(/exchanges\.rego:3: rego_type_error: undefined function http\.send/);
  });

  test("is reloaded; what does not compile is reported and the last good one stays", async (context) => {
    compiler(context);
    const directory = await aFolder(FOLDER);
    const engine = await anEngine(policyConfig.parse({ directory }));
    const before = engine.revision;
    await writeFile(join(directory, "exchanges.rego"), "package weir.custom.exchange\n\nallow contains");
    await engine.reload();
    expect(engine.revision).toBe(before);
    await writeFile(join(directory, "exchanges.rego"), "package weir.custom.exchange\n");
    await engine.reload();
    expect(engine.revision).not.toBe(before);
  });

  test("is tested by `opa test` with the library and the data", async (context) => {
    compiler(context);
    const passing = "package mine_test\n\nimport data.weir.exchange\n\ntest_partner if {\n\t\"partner.test\" in data.custom.partners\n\texchange.decision.rule == \"exchange.default\"\n}\n";
    const directory = await aFolder({ ...FOLDER, "mine_test.rego": passing });
    expect(await runRegoTests(directory, { environment, announce: quiet })).toMatchObject({ passed: true, report: expect.stringContaining("PASS: 1/1") });
    await writeFile(join(directory, "mine_test.rego"), passing.replace("partner.test", "nobody.test"));
    expect(await runRegoTests(directory, { environment, announce: quiet })).toMatchObject({ passed: false, report: expect.stringContaining("FAIL: 1/1") });
    expect(await runRegoTests(await aFolder(FOLDER), { environment, announce: quiet })).toBeNull();
  });

  test("is formatted, or only reported", async (context) => {
    compiler(context);
    const directory = await aFolder({ "a.rego": "package weir.custom.name\ndeny contains {\"rule\":\"x\"} if false\n" });
    expect(await formatPolicy(directory, { environment, announce: quiet, check: true })).toEqual(["a.rego"]);
    expect(await formatPolicy(directory, { environment, announce: quiet, check: false })).toEqual(["a.rego"]);
    expect(await formatPolicy(directory, { environment, announce: quiet, check: true })).toEqual([]);
  });
});

test("the compiler is the one that tools/go.mod pins", async () => {
  expect(await readFile(join(import.meta.dirname, "../../tools/go.mod"), "utf8")).toContain(`github.com/open-policy-agent/opa v${OPA_VERSION}`);
});

test("a compiler with the hole in its signatures is not used", () => {
  expect(["1.21.3", "1.21.10", "1.22.0", "2.0.0"].map(isFit)).toEqual([true, true, true, true]);
  expect(["1.21.2", "1.9.9", "0.70.0"].map(isFit)).toEqual([false, false, false]);
});
