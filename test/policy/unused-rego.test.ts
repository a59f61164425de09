import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { buildPolicy, checkPolicyFolder } from "../../proxy/policy/policy-tool.ts";
import { compiler } from "./compiler.ts";
import { anEngine } from "./engines.ts";
import { aFolder } from "./folders.ts";

const DENY = `deny contains {"rule": "own", "reason": "no", "hint": ""} if input.version == 2`;
const exchange = (...rules: readonly string[]): string => ["package weir.custom.exchange", "", ...rules, ""].join("\n");

async function folderOf(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  compiler(context);
  const folder = await aFolder({ "data.yaml": "hosts: [{name: a.test}]\n" });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
const checked = async (context: TestContext, files: Readonly<Record<string, string>>) => checkPolicyFolder(await folderOf(context, files), readEnvironment(), () => undefined);

describe("Rego that never takes part is an error with its line", () => {
  test.for<[string, Readonly<Record<string, string>>, string]>([
    ["a package that is mistyped", { "mine.rego": `# mine\npackage weir.custom.exchnage\n\n${DENY}\n` }, "mine.rego:2: nothing uses the package weir.custom.exchnage, so its rules never hold; did you mean weir.custom.exchange?"],
    ["a package without custom", { "mine.rego": `package weir.exchange\n\n${DENY}\n` }, "mine.rego:1: the package weir.exchange is Weir's own; yours are weir.custom.connection"],
    ["a package of another product", { "mine.rego": "package envoy.authz\n\nallow := true\n" }, "mine.rego:1: nothing uses the package envoy.authz"],
    ["a rule that is mistyped", { "mine.rego": exchange(DENY.replace("deny", "denny")) }, "mine.rego:3: nothing uses the rule denny, so it never holds; did you mean deny?"],
    ["a set that this question does not have", { "mine.rego": exchange(DENY).replace("exchange", "name").replace("deny", "allow") }, "mine.rego:3: nothing uses the rule allow, so it never holds (of weir.custom.name are asked: deny)"],
    ["a rule that only such a rule uses", { "mine.rego": exchange(DENY, "is_late if input.version == 3", "late contains 1 if is_late") }, "mine.rego:4: nothing uses the rule is_late"],
    ["a library that only unused Rego uses", { "mine.rego": exchange(DENY), "lib/a.rego": "package lib.a\n\nx := data.lib.b.y\n", "lib/b.rego": "package lib.b\n\ny := data.lib.a.x2\n" }, "lib/a.rego:1: nothing uses the package lib.a"],
    ["a test in a file that is none", { "mine.rego": exchange(DENY, "test_it if true") }, "mine.rego:4: test_it is a test: tests stand in files that end in _test.rego"],
  ])("%s", async ([, files, message], context) => {
    await expect(checked(context, files)).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining(message) });
  });

  test("a boundary does not start with it, and no bundle is built of it", async (context) => {
    const directory = await folderOf(context, { "mine.rego": exchange(DENY.replace("deny", "denny")) });
    await expect(buildPolicy(directory, readEnvironment(), () => undefined)).rejects.toThrow("nothing uses the rule denny");
    await expect(anEngine(policyConfig.parse({ directory }))).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining("nothing uses the rule denny") });
  });

  test("all of it is told at once, with what the compiler says", async (context) => {
    const files = { "a.rego": exchange(DENY.replace("deny", "denny")), "b.rego": exchange(DENY.replace("version", "verzion")), "c.rego": "package weir.custom.exchnage\n\nx := 1\n" };
    await expect(checked(context, files)).rejects.toThrow(/b\.rego:3: rego_type_error: undefined ref[^]*a\.rego:3: nothing uses the rule denny[^]*c\.rego:1: nothing uses the package/);
  });
});

describe("Rego that takes part is fit", () => {
  test.for<[string, Readonly<Record<string, string>>]>([
    ["each of the sets", {
      "a.rego": exchange(DENY, 'allow contains {"rule": "x"} if input.version == 2', 'ask contains {"reason": "r"} if input.version == 2', 'read contains "mcp" if input.version == 2'),
      "b.rego": exchange(DENY).replace("exchange", "name"), "c.rego": exchange(DENY).replace("exchange", "connection"),
    }],
    ["in one package for all", { "a.rego": `package weir.custom\n\nexchange.${DENY}\n` }],
    ["with rules that it uses, directly and by others", { "a.rego": exchange(DENY.replace("input.version == 2", "is_late"), "is_late if hour > 9", "default hour := 0", "hour := input.version") }],
    ["with a library that is imported, of which it does not need all", {
      "a.rego": exchange("import data.lib.paths", DENY.replace("input.version == 2", "paths.is_bad(input.request.path)")),
      "lib/paths.rego": "package lib.paths\n\nimport data.lib.words as known\n\nis_bad(path) if path[0] in known.bad\n\nis_good(path) if not is_bad(path)\n",
      "lib/words.rego": 'package lib.words\n\nbad := {"x"}\n', "lib/more.rego": 'package lib.words\n\ngood := {"y"}\n',
    }],
    ["with a library below its own packages, found by a name that is worked out", {
      "a.rego": exchange(DENY.replace("input.version == 2", "data.weir.custom.teams[input.agent.name].closed")), "b.rego": "package weir.custom.teams.a\n\nclosed := true\n",
    }],
    ["with tests and what only they use", { "a.rego": exchange(DENY), "a_test.rego": "package mine_test\n\nfixture := 1\n\ntest_it if fixture == 1\n" }],
    ["without any rule yet", { "a.rego": "package weir.custom.soon\n" }],
  ])("%s", async ([, files], context) => {
    expect(await checked(context, files)).toMatchObject({ regoFiles: Object.keys(files).length });
  });
});

describe("an answer of a shape that is none is an error with its line", () => {
  test.for([
    ["a key that is mistyped", 'allow contains {"rule": "x", "grant": ["g"]} if true', "allow: unknown key grant; did you mean grants?"],
    ["a refusal without its reason", 'deny contains {"rule": "x", "hint": ""} if true', "deny: reason must be given"],
    ["a question without one", 'ask contains {"rule": "x"} if true', "ask: reason must be given"],
    ["a key of another question", 'allow contains {"rule": "x", "handling": "tunnel"} if true', "allow: unknown key handling; there are rule, grants, budgets, obligations"],
    ["a reading that there is not", 'read contains "mpc" if true', "read: mpc is no reading; there are"],
    ["no set", "deny := true", 'deny is a set: write `deny contains {"rule"'],
    ["a yes or no, as elsewhere", "default allow := false\n\nallow if input.version == 1", 'allow is a set: write `allow contains {"rule"'],
    ["annotations with a key that is mistyped", "# METADATA\n# title: T\n# custom:\n#   ruel: x\ndeny contains rego.metadata.rule() if input.version == 2", "the annotations of deny: unknown key ruel; did you mean rule?"],
  ])("%s", async ([, rule, message], context) => {
    await expect(checked(context, { "mine.rego": exchange(String(rule)) })).rejects.toMatchObject({ exitCode: 78, message: expect.stringMatching(/mine\.rego:\d+: /) });
    await expect(checked(context, { "mine.rego": exchange(String(rule)) })).rejects.toThrow(message);
  });

  test.for([
    'deny contains {"rule": "x", "reason": "r", "hint": ""} if input.version == 2', 'deny contains "anything refuses" if input.version == 2',
    'allow contains {"grants": ["g"], "obligations": {}} if input.version == 2', 'read contains {"reading": "json", "max_bytes": 9} if input.version == 2',
    "ask contains answer if {\n\tinput.version == 2\n\tanswer := {\"x\": 1}\n}", "# METADATA\n# title: T\n# custom: {rule: x, scopes: [once]}\nask contains rego.metadata.rule() if input.version == 2",
  ])("and of a right one, or one that is worked out, is not: %s", async (rule, context) => {
    expect(await checked(context, { "mine.rego": exchange(rule) })).toMatchObject({ regoFiles: 1 });
  });
});
