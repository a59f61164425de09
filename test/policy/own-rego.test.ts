import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { READINGS, type McpReading } from "../../proxy/model/readings.ts";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { checkTenant, clusterBundle, clusterSources, compileClusterRego } from "../../proxy/policy/compile-cluster.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { compiler } from "./compiler.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { anExchange } from "./questions.ts";

/** Rego that looks at arguments, asks a person and takes its texts from annotations; for one machine and for a tenant alike. */
const RULES = `package weir.custom.exchange

is_mcp if input.request.path[0] == "mcp"

read contains "mcp" if {
	is_mcp
	input.request.has_body
}

# METADATA
# title: What is no message of MCP does not pass
# custom:
#   rule: team.mcp
deny contains rego.metadata.rule() if {
	is_mcp
	is_string(input.read.mcp)
}

# METADATA
# title: No tool may leave the team's folder
# description: write below /team instead
# custom:
#   rule: team.folder
deny contains rego.metadata.rule() if {
	some name in ["path", "file", "directory"]
	value := input.mcp.arguments[name]
	not is_below_team(value)
}

# Plain names alone: no dots before a name, no escapes, nothing that a server may read in another way.
is_below_team(path) if regex.match(\`^/team(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$\`, path)

# METADATA
# title: May it merge?
# custom:
#   rule: team.merge
#   scopes: [once]
ask contains rego.metadata.rule() if input.mcp.tool == "merge"

ask contains {"rule": "team.pay", "reason": "May it pay?", "grants": ["bank"]} if input.request.path == ["pay"]
`;
const HOST = { hosts: [{ name: "api.example.com", methods: ["POST"], paths: ["/mcp"], grants: ["files"], max_request_bytes: 100 }] };

async function alone(context: TestContext) {
  compiler(context);
  return anEngine(policyConfig.parse({ directory: await aFolder({ "data.yaml": JSON.stringify(HOST), "own.rego": RULES }), deadlineMs: 2_000 }));
}

async function asTenant(context: TestContext) {
  const opa = compiler(context);
  const rego = await checkTenant({ namespace: "default", name: "team", rego: { "own.rego": RULES } }, opa);
  if (!("sources" in rego)) throw new Error(JSON.stringify(rego));
  const policies = [{ namespace: "default", name: "team", data: policyData.parse(HOST), rego }];
  const cluster = { base: policyData.parse({}), policies, holders: { default: { reviewer: ["default.team"] } }, withheld: {}, platform: "weir.internal" };
  const bundle = clusterBundle(cluster, await compileClusterRego(clusterSources(policies), opa));
  const folder = await aFolder({ "cluster.tar.gz": await writeBundle(bundle) });
  return anEngine(policyConfig.parse({ bundle: join(folder, "cluster.tar.gz"), deadlineMs: 2_000 }));
}

const asked = (path: string, more: Partial<PolicyInput> = {}): PolicyInput => ({ ...anExchange({ request: { method: "POST", path: [path], has_body: true } }), ...more });
const calling = (tool: string, args: Record<string, unknown>): PolicyInput => {
  const mcp: McpReading = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool, arguments: args, prompt: null, uri: null, is_listing: false };
  return asked("mcp", { read: { mcp: null }, mcp });
};

test("the rule that docs/rego.md shows is the one that is run here", async () => {
  const shown = /```rego\n(package [^]*?)```/.exec(await readFile("docs/rego.md", "utf8"))?.[1] ?? "nothing";
  expect(RULES).toContain(shown.trim());
});

describe.each([["on one machine", alone, "bank"], ["of a tenant", asTenant, "default.bank"]] as const)("Rego of one's own %s", (_, open, bank) => {
  test("has the body read and decides by what it says", async (context) => {
    const engine = await open(context);
    expect(await asks(engine, "exchange", asked("mcp"))).toMatchObject({ kind: "read", readings: ["mcp"], maxBytes: 131_072 });
    expect(await asks(engine, "exchange", calling("write", { path: "/team/a" }))).toMatchObject({ kind: "allow", grants: ["files"] });
    expect(await asks(engine, "exchange", asked("mcp", { read: Object.fromEntries(READINGS.map((name) => [name, "no"])) }))).toMatchObject({ kind: "deny", rule: "team.mcp" });
  });

  test("gives its annotations as rule, reason and hint", async (context) => {
    const engine = await open(context);
    expect(await asks(engine, "exchange", calling("write", { path: "/etc/a" }))).toMatchObject({
      kind: "deny", rule: "team.folder", reason: "No tool may leave the team's folder", hint: "write below /team instead",
    });
  });

  test("lets nothing out of the folder, however it is written, and everything below it pass", async (context) => {
    const engine = await open(context);
    const ways = [{ path: "/team/../etc/a" }, { path: "/team/a/.." }, { file: "/etc/a" }, { path: "/team\\..\\etc" }, { path: false }, { path: 7 }, { path: ["/team/a"] }, { path: "/teams/a" }, { path: "/team/%2e%2e/etc" }, { path: "/team/a\n" }, { path: "/team/a", directory: "/" }];
    for (const way of ways) expect([way, await asks(engine, "exchange", calling("write", way))]).toMatchObject([way, { kind: "deny", rule: "team.folder" }]);
    for (const way of [{ path: "/team/a" }, { path: "/team/a..b/c.d", text: "../x" }, {}]) expect([way, await asks(engine, "exchange", calling("write", way))]).toMatchObject([way, { kind: "allow" }]);
  });

  test("leaves to a person what the data allows, as the data allows it", async (context) => {
    const engine = await open(context);
    expect(await asks(engine, "exchange", calling("merge", {}))).toMatchObject({
      kind: "ask", rule: "team.merge", reason: "May it merge?", scopes: ["once"], allow: { grants: ["files"], obligations: { maxRequestBytes: 100 } },
    });
  });

  test("leaves to a person what nothing else allows", async (context) => {
    const engine = await open(context);
    expect(await asks(engine, "exchange", asked("pay"))).toMatchObject({ kind: "ask", rule: "team.pay", allow: { grants: [bank] } });
    expect(await asks(engine, "exchange", asked("other"))).toMatchObject({ kind: "deny" });
  });
});

test("Rego that wants to read what there is not fails, and nothing is allowed", async (context) => {
  compiler(context);
  const rules = "package weir.custom.exchange\n\nread contains name if {\n\tinput.version == 1\n\tname := \"mind\"\n}\n";
  const engine = await anEngine(policyConfig.parse({ directory: await aFolder({ "data.yaml": JSON.stringify(HOST), "own.rego": rules }) }));
  await expect(asks(engine, "exchange", asked("mcp"))).rejects.toMatchObject({ code: "policy.unavailable" });
});
