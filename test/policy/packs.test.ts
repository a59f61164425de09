import { describe, expect, test } from "vitest";
import { withBasePacks } from "../../controller/boundary/base-packs.ts";
import { misdirection } from "../../proxy/credentials/binding.ts";
import { grantsConfig } from "../../proxy/credentials/config.ts";
import { RECIPES } from "../../proxy/credentials/recipes.ts";
import type { RequestHead } from "../../proxy/model/request.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { readPackTests, runPackTest } from "../../proxy/policy/pack-cases.ts";
import { entriesOf, levelsOf } from "../../proxy/policy/packs.ts";
import { readShippedPacks } from "../../proxy/policy/read-packs.ts";
import { packFolder } from "../../proxy/policy/shipped-files.ts";
import { trialsAt } from "../support/trial-context.ts";

const NOW = trialsAt(new Date("2026-01-01T12:00:00Z"));
const packs = await readShippedPacks();
const tests = await readPackTests(packFolder());

test("the packs that come with Weir are those of the issue's services", () => {
  expect([...packs.keys()]).toEqual(["anthropic", "aws", "github", "npm", "openai", "postgres", "pypi", "slack"]);
});

test("a controller's own policy takes packs up, and says what is wrong with them", async () => {
  const configured = (pack: object) => ({ boundary: { base: policyData.parse({ packs: [pack] }), other: 1 } });
  const { boundary } = await withBasePacks(configured({ pack: "pypi" }));
  expect(boundary).toMatchObject({ base: { packs: [], hosts: [{ rule: "pypi.index" }, { rule: "pypi.files" }] }, other: 1 });
  await expect(withBasePacks(configured({ pack: "none" }))).rejects.toMatchObject({ problems: [expect.stringContaining("packs.0.pack: there is no pack none")] });
});

describe.each([...packs])("the pack %s", (name, { pack }) => {
  const own = tests.get(name) ?? [];

  test("passes its tests", async () => {
    const results = await Promise.all(own.map((each, index) => runPackTest({ name, file: `${name}_test.yaml`, place: `${name}.tests.${index}`, test: each }, packs, NOW)));
    expect(results.flat().filter(({ failure }) => failure !== null)).toEqual([]);
  });

  test("has an allow and a refusal tested at each level", () => {
    const [least] = pack.levels;
    const outcomes = pack.levels.map(({ name: level }) => ({
      level, expects: [...new Set(own.filter(({ access = least?.name }) => access === level).flatMap(({ cases }) => cases.map(({ expect: outcome }) => outcome)))].sort(),
    }));
    expect(outcomes).toEqual(pack.levels.map(({ name: level }) => ({ level, expects: expect.arrayContaining(["allow", "deny"]) })));
  });

  test("has each rule allow something in its tests", () => {
    const rules = pack.levels.flatMap(entriesOf).map(({ rule }) => `${name}.${rule}`);
    const allowed = new Set(own.flatMap(({ cases }) => cases).filter(({ expect: outcome }) => outcome === "allow").map(({ rule }) => rule));
    expect(rules.filter((rule) => !allowed.has(rule))).toEqual([]);
  });

  test("begins with its least level, which no other is without unless it is for something else", () => {
    const [least] = pack.levels;
    expect(levelsOf(pack, undefined)).toEqual([least]);
  });

  test("names recipes that there are", () => {
    expect(Object.values(pack.credentials).map(({ recipe }) => recipe).filter((recipe) => recipe === undefined || RECIPES[recipe] === undefined)).toEqual([]);
  });

  test("lends nowhere where the recipe of its credential would not", () => {
    const entries = new Map(pack.levels.flatMap(entriesOf).map((entry) => [`${name}.${entry.rule}`, entry]));
    const lending = own.flatMap(({ cases }) => cases).filter(({ expect: outcome, grants, method }) => outcome === "allow" && (grants ?? []).length > 0 && method !== undefined);
    const refused = lending.flatMap(({ rule = "", host, method = "", path = "/" }) => {
      const recipe = pack.credentials[entries.get(rule)?.credential ?? ""]?.recipe ?? "";
      // Where customers have hosts of their own, the grant says them; npm's recipe is for reading, and its pack says what to add.
      if (RECIPES[recipe]?.bind.hosts === undefined || rule === "npm.publish") return [];
      const { it } = grantsConfig.parse({ it: { use: recipe, credential: { type: "file", path: "/secret" } } });
      const head = { scheme: "https", host, port: 443, method, path: path.split("?", 1)[0] } as RequestHead;
      const why = it === undefined ? "no grant" : misdirection(it.bind, head);
      return why === null ? [] : [`${method} ${host}${path}: ${why}`];
    });
    expect(refused).toEqual([]);
  });
});
