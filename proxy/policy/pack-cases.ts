import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { systemClock } from "../../common/clock.ts";
import { ConfigError, readConfig } from "../../common/config.ts";
import { silentLog } from "../../common/log.ts";
import { CASES_REFERENCE, failureOf, policyCase, type CaseResult } from "./cases.ts";
import { policyConfig } from "./config.ts";
import { policyData } from "./data.ts";
import { packUse } from "./data-readings.ts";
import { ReloadingPolicyEngine } from "./engine.ts";
import { expandPacks } from "./packs.ts";
import { OWN_PACKS } from "./policy-folder.ts";
import type { FoundPack } from "./read-packs.ts";
import type { TrialContext } from "./trial-head.ts";

/** Tests of a pack, `NAME_test.yaml` beside it: how it is taken up, and what must become of requests then. They stand below its name, as the pack does. */
const packTests = z.strictObject({
  tests: z.array(packUse.omit({ pack: true }).extend({
    cases: z.array(policyCase).min(1).max(10_000).describe("As in the tests of a policy."),
  })).min(1).max(1_000),
});
/** `lines`: where its cases begin, from 1. */
type PackTest = z.output<typeof packTests>["tests"][number] & { readonly lines: readonly (number | null)[] };

const TESTS = "_test.yaml";
const REFERENCE = "docs/policy.md";

/** Tests of all packs in a folder, by name of the pack. @throws ConfigError listing every mistake of a file */
export async function readPackTests(folder: string): Promise<ReadonlyMap<string, readonly PackTest[]>> {
  const files = await readdir(folder).catch(() => []);
  return new Map(await Promise.all(files.filter((file) => file.endsWith(TESTS)).sort().map(async (file) => {
    const name = basename(file, TESTS);
    const path = join(folder, file);
    const schema = z.strictObject({ [name]: packTests });
    const { value, document } = readConfig(schema, { name: path, reference: CASES_REFERENCE }, await readFile(path, "utf8"));
    const { [name]: read } = value as Readonly<Record<string, z.output<typeof packTests>>>;
    return [name, (read?.tests ?? []).map((test, index) => ({
      ...test, lines: test.cases.map((_, at) => document.lineOf([name, "tests", index, "cases", at])),
    }))] as const;
  })));
}

/**
 * Runs the tests of a policy folder's own packs: each pack by itself, taken up as the test says, without the folder's data and Rego.
 * @param packs all that there are @throws ConfigError for a test file with a mistake, and for a test that takes its pack up wrongly
 */
export async function runPackCases(directory: string, packs: ReadonlyMap<string, FoundPack>, context: TrialContext): Promise<CaseResult[]> {
  const folder = join(directory, OWN_PACKS);
  const results: CaseResult[] = [];
  for (const [name, tests] of await readPackTests(folder)) {
    const file = join(OWN_PACKS, `${name}${TESTS}`);
    for (const [index, test] of tests.entries()) results.push(...await runPackTest({ name, file, place: `${join(directory, file)}: ${name}.tests.${index}`, test }, packs, context));
  }
  return results;
}

interface PlacedTest {
  readonly name: string;
  /** As results name it. */
  readonly file: string;
  /** Of the test in its file, for problems. */
  readonly place: string;
  readonly test: PackTest;
}

/** One way of taking a pack up, and its cases. */
export async function runPackTest({ name, file, place, test: { cases, lines, ...use } }: PlacedTest, packs: ReadonlyMap<string, FoundPack>, context: TrialContext): Promise<CaseResult[]> {
  const written = { ...policyData.parse({}), packs: [{ pack: name, ...use }] };
  const expanded = expandPacks(written, new Map([...packs].map(([each, { pack }]) => [each, pack])));
  if ("problems" in expanded) throw new ConfigError(place, expanded.problems.map((problem) => problem.replace(/^packs\.0\./, "")), { reference: REFERENCE });
  const engine = await ReloadingPolicyEngine.open(policyConfig.parse({ data: expanded.data }), { log: silentLog, clock: systemClock, environment: {} });
  const results: CaseResult[] = [];
  const level = use.access === undefined ? {} : { access: use.access };
  for (const [index, asked] of cases.entries()) results.push({ file, line: lines[index] ?? null, ...level, name: asked.name, failure: await failureOf(asked, engine, context) });
  return results;
}
