import { join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { checkTenant, clusterBundle, clusterSources, compileClusterRego, type ClusterPolicy, type TenantPolicy } from "../../proxy/policy/compile-cluster.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { compiler } from "./compiler.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { aConnection, aName, anExchange } from "./questions.ts";

const NO_REGO = { sources: new Map<string, string>(), questions: new Set<never>() };

interface Written {
  readonly data?: object;
  readonly rego?: Readonly<Record<string, string>>;
}

/** Policies by `namespace.name`, each for the agents named in `holders`; all are checked first, as the controller does. */
async function engineOf(context: TestContext, written: Readonly<Record<string, Written>>, more: Partial<ClusterPolicy> = {}) {
  const policies: TenantPolicy[] = [];
  for (const [id, { data, rego }] of Object.entries(written)) {
    const [namespace = "", name = ""] = id.split(".");
    const checked = rego === undefined ? NO_REGO : await checkTenant({ namespace, name, rego }, compiler(context));
    if (!("sources" in checked)) throw new Error(JSON.stringify(checked));
    policies.push({ namespace, name, data: policyData.parse(data ?? {}), rego: checked });
  }
  const cluster = { base: policyData.parse({}), holders: {}, withheld: {}, platform: "weir.internal", ...more, policies };
  const sources = clusterSources(policies);
  const bundle = clusterBundle(cluster, await compileClusterRego(sources, sources.size === 0 ? null : compiler(context)));
  const folder = await aFolder({ "cluster.tar.gz": await writeBundle(bundle) });
  return anEngine(policyConfig.parse({ bundle: join(folder, "cluster.tar.gz"), deadlineMs: 2_000 }));
}

const of = (namespace: string, name: string) => ({ agent: { namespace, name } });
const HOST = { hosts: [{ name: "api.example.com" }] };
const exchange = (rule: string) => `package weir.custom.exchange\n\n${rule}\n`;

describe("data of a policy", () => {
  test("speaks for the agents that name it, and for nobody else", async (context) => {
    const engine = await engineOf(context, { "team-a.web": { data: HOST }, "team-b.web": {} }, { holders: { "team-a": { reviewer: ["team-a.web"] }, "team-b": { reviewer: ["team-b.web"] } } });
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ kind: "allow", rule: "web/hosts.api.example.com" });
    for (const stranger of [of("team-b", "reviewer"), of("team-a", "other"), of("team-a", "reviewer.files"), of("nowhere", "reviewer")]) {
      expect(await asks(engine, "exchange", anExchange(stranger))).toMatchObject({ kind: "deny", rule: "hosts.default" });
      expect(await asks(engine, "connection", aConnection(stranger))).toMatchObject({ kind: "deny", rule: "hosts.default" });
    }
  });

  test("of two policies counts in the order in which the agent names them, and a deny of either wins", async (context) => {
    const written = {
      "t.a": { data: { hosts: [{ name: "api.example.com", rule: "of.a" }] } }, "t.b": { data: { hosts: [{ name: "api.example.com", rule: "of.b" }] } },
      "t.c": { data: { hosts: [{ name: "**.example.com", effect: "deny", paths: ["/v1/models"], reason: "no", rule: "of.c" }] } },
    };
    const engine = await engineOf(context, written, { holders: { t: { ab: ["t.a", "t.b"], ba: ["t.b", "t.a"], abc: ["t.a", "t.b", "t.c"] } } });
    expect(await asks(engine, "exchange", anExchange(of("t", "ab")))).toMatchObject({ kind: "allow", rule: "of.a" });
    expect(await asks(engine, "exchange", anExchange(of("t", "ba")))).toMatchObject({ kind: "allow", rule: "of.b" });
    expect(await asks(engine, "exchange", anExchange(of("t", "abc")))).toMatchObject({ kind: "deny", rule: "of.c" });
  });

  test("may name one host a thousand times, and still is asked within the deadline that others wait for", async (context) => {
    const hosts = Array.from({ length: 1_000 }, () => ({ name: "api.example.com", methods: ["PUT"] }));
    const engine = await engineOf(context, { "t.crowd": { data: { hosts } } }, { holders: { t: { reviewer: ["t.crowd"] } } });
    expect(await asks(engine, "connection", aConnection(of("t", "reviewer")))).toMatchObject({ kind: "allow", rule: "crowd/hosts.api.example.com" });
    expect(await asks(engine, "exchange", anExchange(of("t", "reviewer")))).toMatchObject({ kind: "deny", reason: expect.stringContaining("method") });
  });

  test("stands behind what the operator says for everybody", async (context) => {
    const base = policyData.parse({ hosts: [{ name: "api.example.com", rule: "base" }, { name: "closed.example.com", effect: "deny", rule: "base.closed" }], names: { hide: ["hidden.example.com"] } });
    const written = { "t.a": { data: { hosts: [{ name: "api.example.com", rule: "of.a" }, { name: "closed.example.com" }, { name: "hidden.example.com" }] } } };
    const engine = await engineOf(context, written, { base, holders: { t: { a: ["t.a"] } } });
    expect(await asks(engine, "exchange", anExchange(of("t", "a")))).toMatchObject({ kind: "allow", rule: "base" });
    expect(await asks(engine, "exchange", anExchange({ ...of("t", "a"), connection: { name: "closed.example.com" } }))).toMatchObject({ kind: "deny", rule: "base.closed" });
    expect(await asks(engine, "exchange", anExchange({ ...of("t", "a"), connection: { name: "hidden.example.com" } }))).toMatchObject({ kind: "deny", rule: "names.hide" });
  });

  test("of addresses counts the same way", async (context) => {
    const written = { "t.a": { data: { addresses: [{ cidr: "10.0.0.0/8", ports: [5432], handling: "tunnel" }] } } };
    const engine = await engineOf(context, written, { holders: { t: { a: ["t.a"] } } });
    const connection = { name: "10.1.2.3", is_address: true, port: 5432, wire: "opaque" as const };
    expect(await asks(engine, "connection", aConnection({ ...of("t", "a"), connection }))).toMatchObject({ kind: "allow", rule: "a/addresses.10.0.0.0/8" });
    expect(await asks(engine, "connection", aConnection({ ...of("t", "b"), connection }))).toMatchObject({ kind: "deny", rule: "addresses.default" });
  });
});

test("an agent whose policies are not all in force is refused everything but the platform, and told why", async (context) => {
  const base = policyData.parse({ hosts: [{ name: "api.example.com" }, { name: "weir.internal", rule: "weir.internal" }] });
  const engine = await engineOf(context, {}, { base, withheld: { t: { a: { reason: "policy web is broken", hint: "mend it" } } } });
  expect(await asks(engine, "exchange", anExchange(of("t", "a")))).toMatchObject({ kind: "deny", rule: "policy.withheld", reason: "policy web is broken", hint: "mend it" });
  expect(await asks(engine, "exchange", anExchange({ ...of("t", "a"), connection: { name: "weir.internal" } }))).toMatchObject({ kind: "allow", rule: "weir.internal" });
  expect(await asks(engine, "exchange", anExchange(of("t", "b")))).toMatchObject({ kind: "allow" });
});

describe("Rego of a policy", () => {
  const HOLDERS = { holders: { "team-a": { reviewer: ["team-a.web"] }, "team-b": { reviewer: ["team-b.web"] } } };

  test("refuses the agents that name it and nobody else", async (context) => {
    const deny = exchange('deny contains {"rule": "never", "reason": "never", "hint": ""}');
    const engine = await engineOf(context, { "team-a.web": { data: HOST, rego: { "never.rego": deny } }, "team-b.web": { data: HOST } }, HOLDERS);
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ kind: "deny", rule: "never" });
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ kind: "allow" });
  });

  test("allows for its own agents, and lends and charges what is of its own namespace, whatever it says", async (context) => {
    const allow = exchange('allow contains {"rule": "open", "grants": ["github", "team-b.chat", "weir.internal"], "budgets": ["team"]}');
    const engine = await engineOf(context, { "team-a.web": { rego: { "open.rego": allow } }, "team-b.web": {} }, HOLDERS);
    const grants = ["team-a.github", "team-a.team-b.chat", "team-a.weir.internal"];
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ kind: "allow", rule: "open", grants, budgets: ["team-a.team"] });
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ kind: "deny", rule: "hosts.default" });
  });

  test("reads its own custom data, by `data.custom`, and never another's of the same name", async (context) => {
    const rule = exchange('import data.custom.words\n\ndeny contains {"rule": data.custom.words[0], "reason": words[_], "hint": ""} if data.custom.words');
    const written = { "team-a.web": { data: { custom: { words: ["apple"] } }, rego: { "a.rego": rule } }, "team-b.web": { data: { ...HOST, custom: {} }, rego: { "b.rego": rule } } };
    const engine = await engineOf(context, written, { ...HOLDERS, base: policyData.parse({ custom: { words: ["base"] } }) });
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ kind: "deny", rule: "apple", reason: "apple" });
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ kind: "allow" });
  });

  test("that fails while it is evaluated fails for its own agents alone, and is no allow", async (context) => {
    const conflict = exchange('word := "a" if input.request\n\nword := "b" if input.request\n\nallow contains {"rule": word}');
    const engine = await engineOf(context, { "team-a.web": { data: HOST, rego: { "bad.rego": conflict } }, "team-b.web": { data: HOST } }, HOLDERS);
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ kind: "allow" });
    await expect(asks(engine, "exchange", anExchange({ ...of("team-a", "reviewer"), connection: { name: "other.test" } }))).rejects.toMatchObject({ code: "policy.unavailable" });
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ kind: "allow" });
  });

  test("whose refusal is no object refuses all the same", async (context) => {
    const odd = exchange('deny contains input.request.method');
    const engine = await engineOf(context, { "team-a.web": { data: HOST, rego: { "odd.rego": odd } }, "team-b.web": {} }, HOLDERS);
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ kind: "deny", rule: "team-a.web" });
  });

  test("hides names from its own agents alone", async (context) => {
    const hide = 'package weir.custom.name\n\ndeny contains {"rule": "hidden", "reason": "hidden", "hint": ""} if input.dns.name == "a.test"\n';
    const engine = await engineOf(context, { "team-a.web": { rego: { "hide.rego": hide } }, "team-b.web": {} }, HOLDERS);
    const asking = (agent: ReturnType<typeof of>) => ({ ...anExchange(agent), ...aName("a.test"), agent: anExchange(agent).agent });
    expect(await asks(engine, "name", asking(of("team-a", "reviewer")))).toMatchObject({ kind: "deny", rule: "hidden" });
    expect(await asks(engine, "name", asking(of("team-b", "reviewer")))).toMatchObject({ kind: "allow" });
  });

  test("of the same names and rules in two namespaces does not meet", async (context) => {
    const one = exchange('limit := 1\n\ndeny contains {"rule": sprintf("limit.%d", [limit]), "reason": "r", "hint": ""}');
    const engine = await engineOf(context, { "team-a.web": { rego: { "x.rego": one } }, "team-b.web": { rego: { "x.rego": one.replace("limit := 1", "limit := 2") } } }, HOLDERS);
    expect(await asks(engine, "exchange", anExchange(of("team-a", "reviewer")))).toMatchObject({ rule: "limit.1" });
    expect(await asks(engine, "exchange", anExchange(of("team-b", "reviewer")))).toMatchObject({ rule: "limit.2" });
  });
});

describe("Rego is refused, by file and line,", () => {
  const OWN = expect.stringContaining("may use `data.custom` alone");

  test.for<[string, string, number | undefined, unknown]>([
    ["that reads the entries of all", exchange("x := data.egress.hosts"), 3, OWN],
    ["that reads another's rules", exchange('x := data.weir.tenant["team-b.web"].exchange.deny'), 3, OWN],
    ["that reads the merged rules of all", exchange("x := data.weir.custom.exchange.deny"), 3, OWN],
    ["that asks the library on behalf of another", exchange('x if data.weir.exchange.decision.allow with input as {"agent": {"namespace": "team-b"}}'), 3, OWN],
    ["that imports the library", exchange("import data.weir.hosts\n\nx := hosts.ancestors(\"a\")"), 3, OWN],
    ["that imports everything", exchange("import data as d\n\nx := d.egress"), 3, expect.any(String)],
    ["that takes data as a whole", exchange("x := data"), 3, OWN],
    ["that looks a key of data up", exchange("x contains k if data[k]"), 3, OWN],
    ["that computes the key", exchange('x := data[concat("", ["eg", "ress"])]'), 3, OWN],
    ["that walks data", exchange("x contains p if walk(data, [p, _])"), 3, OWN],
    ["that reads data in an index", exchange("x := data.custom[data.egress.platform]"), 3, OWN],
    ["that replaces data of others", exchange("x if input.time with data.egress as {}"), 3, OWN],
    ["that reads data in a template", exchange("x := $\"{data.egress}\""), 3, OWN],
    ["that defines data", exchange("data.custom.x := 1"), 3, expect.any(String)],
    ["that calls another thing data", exchange("import input as data\n\nx := data.egress"), 3, expect.any(String)],
    ["of a package of Weir's", "package weir.exchange\n\ndecision := 1\n", 1, expect.stringContaining("begins with")],
    ["of another's package", 'package weir.tenant["team-b.web"].exchange\n\ndeny := set()\n', 1, expect.stringContaining("begins with")],
    ["of a package in another spelling", 'package weir["custom"].exchange\n\ndeny := set()\n', 1, expect.stringContaining("begins with")],
    ["of a package behind a comment that looks like one", "# package weir.custom.exchange\npackage weir.agents\n\ncovers(_)\n", 2, expect.stringContaining("begins with")],
    ["with an entry point of its own", "# METADATA\n# entrypoint: true\npackage weir.custom.exchange\n\nx := 1\n", 1, expect.stringContaining("entrypoint")],
    ["that reaches outside", exchange('x := http.send({"url": "http://a.test"})'), 3, expect.stringContaining("http.send")],
    ["that reads a field that does not exist", exchange("\n\ndeny contains {} if input.agent.nmae == 1"), 5, expect.stringContaining("undefined ref")],
    ["that does not parse", exchange("\ndeny contains {"), 5, expect.any(String)],
    ["that nothing asks", exchange('denny contains "no"'), 3, expect.stringContaining("did you mean deny?")],
    ["with an answer of no shape", exchange('ask contains {"rule": "x"}'), 3, "ask: reason must be given"],
    ["whose deny is a function", exchange("deny(x) := x"), undefined, expect.stringContaining("are sets of objects")],
  ])("%s", async ([, text, line, message], context) => {
    const found = await checkTenant({ namespace: "team-a", name: "web", rego: { "mine.rego": text } }, compiler(context));
    expect(found).toContainEqual({ file: "mine.rego", ...(line === undefined ? {} : { line }), message });
  });

  test("but not if it is in order: its tests are left out", async (context) => {
    const checked = await checkTenant({ namespace: "team-a", name: "web", rego: { "a.rego": "# mine\npackage weir.custom.exchange # here\r\n\ndeny contains 1\n", "a_test.rego": "nonsense" } }, compiler(context));
    expect(checked).toMatchObject({ questions: new Set(["exchange"]) });
    expect("sources" in checked && [...checked.sources]).toEqual([["a.rego", '# mine\npackage weir.tenant["team-a.web"].exchange # here\n\ndeny contains 1\n']]);
  });
});
