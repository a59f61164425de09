import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { writeBundle } from "../../proxy/policy/bundle.ts";
import { compileLibrary } from "../../proxy/policy/compile-policy.ts";
import { dataJsonSchema } from "../../proxy/policy/data.ts";
import { inputJsonSchema, policyInput } from "../../proxy/policy/input-schema.ts";
import { runOpa } from "../../proxy/policy/opa.ts";
import { inputSchemaPath, librarySources } from "../../proxy/policy/shipped-files.ts";
import { compiler } from "./compiler.ts";
import { READING_HOSTS } from "./golden/reading-data.ts";
import { askOpa, askWasm, libraryFiles } from "./golden/ask.ts";
import { goldenData, goldenQuestions } from "./golden/questions.ts";

const ANSWERS = join(import.meta.dirname, "golden", "answers.json");
const data = goldenData();
const questions = goldenQuestions();

/** One answer a line, keys sorted, so that a difference is found in a review. */
const written = (answers: readonly unknown[]) => `[\n${answers.map((answer) => JSON.stringify(answer, sortedKeys)).join(",\n")}\n]\n`;
const sortedKeys = (_: string, value: unknown) =>
  (typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value);

describe("the library as checked in", () => {
  test("is asked at least 300 questions, each of the agreed shape", () => {
    expect(questions.length).toBeGreaterThanOrEqual(300);
    for (const { input } of questions) expect(policyInput.safeParse(input).success).toBe(true);
  });

  test("answers every golden question as OPA answered it", async () => {
    expect(written(await askWasm(data, questions))).toBe(await readFile(ANSWERS, "utf8"));
  });

  test("allows some of them and refuses more, by every kind of rule", async () => {
    const answers = JSON.parse(await readFile(ANSWERS, "utf8")) as { allow?: boolean; ask?: unknown; read?: unknown; rule: string }[];
    const allowed = answers.filter(({ allow }) => allow).length;
    expect(allowed).toBeGreaterThan(50);
    expect(answers.filter(({ allow }) => allow === false).length).toBeGreaterThan(allowed);
    expect(answers.filter(({ ask }) => ask !== undefined).length).toBeGreaterThan(10);
    expect(answers.filter(({ read }) => read !== undefined).length).toBeGreaterThan(20);
    const rules = new Set(answers.map(({ rule }) => rule));
    const ours = ["hosts.default", "addresses.default", "addresses.metadata", "names.metadata", "names.hide", "names.default", "name.default", "policy.withheld"];
    const ofEntries = ["api.admin", "db", "one", "two.ask", ...READING_HOSTS.map(({ rule }) => rule)];
    expect([...ours, ...ofEntries].filter((rule) => !rules.has(rule))).toEqual([]);
  });

  test("has the answers that `opa eval` gives today (`vitest -u` writes them)", async (context) => {
    const opa = compiler(context);
    await expect(written(await askOpa(opa, data, questions))).toMatchFileSnapshot(ANSWERS);
  });

  test("is what the sources compile to, byte for byte before compression", async (context) => {
    const opa = compiler(context);
    const rebuilt = gunzipSync(await writeBundle(await compileLibrary(opa)));
    const checkedIn = gunzipSync(await readFile(join(librarySources(), "dist", "default.tar.gz")));
    expect(rebuilt.equals(checkedIn), "run `node scripts/build-policy.ts`").toBe(true);
  });
});

test.each([["input", "input.json", inputJsonSchema], ["data", "data/schema.json", dataJsonSchema]] as const)("the JSON Schema of the %s is the one that the code gives", async (_, file, schema) => {
  const checkedIn = await readFile(join(librarySources(), "schemas", file), "utf8");
  expect(JSON.parse(checkedIn), "run `node scripts/build-policy.ts`").toEqual(JSON.parse(JSON.stringify(schema())));
});

/** Below `access` is a policy of the controller, with an input of its own. */
const LIBRARY = [librarySources(), "--ignore", "access"];

test("the library passes its own tests and every rule is covered", async (context) => {
  const opa = compiler(context);
  const tests = await runOpa(opa, ["test", ...LIBRARY]);
  expect(tests).toMatchObject({ exitCode: 0 });
  const coverage = JSON.parse((await runOpa(opa, ["test", "--coverage", "--format", "json", ...LIBRARY])).stdout) as { coverage: number };
  expect(coverage.coverage).toBe(100);
});

test("the library is formatted and passes the strict check with the input's schema", async (context) => {
  const opa = compiler(context);
  expect((await runOpa(opa, ["fmt", "--list", librarySources()])).stdout.trim()).toBe("");
  const check = await runOpa(opa, ["check", "--strict", "--schema", inputSchemaPath(), ...LIBRARY, "--ignore", "schemas"]);
  expect(check).toMatchObject({ exitCode: 0, stderr: "" });
});

test("every rule of the library is annotated with a title", async () => {
  for (const file of await libraryFiles()) {
    const titled = new Set<string>();
    const untitled = new Set<string>();
    for (const block of (await readFile(join(librarySources(), file), "utf8")).split(/\n(?=\n)/)) {
      const [, name] = /^(?:default )?([a-z_]+)(?:\(| :=| if | contains )/m.exec(block.replaceAll(/^#.*$/gm, "")) ?? [];
      if (name === undefined || name === "package" || name === "import") continue;
      (/^# METADATA\n# title: \S/m.test(block) ? titled : untitled).add(name);
    }
    expect([...untitled].filter((name) => !titled.has(name)), file).toEqual([]);
  }
});
