import { expect, test } from "vitest";
import { PRESET_NAMES, presetFiles } from "../../cli/agent-presets.ts";
import { runCases } from "../../proxy/policy/cases.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { anEngine } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { trialsAt } from "../support/trial-context.ts";

const NOW = trialsAt(new Date("2026-01-01T12:00:00Z"));

test.each([...PRESET_NAMES, PRESET_NAMES.join(",")])("the policy for %s passes its own cases", async (names) => {
  const { policyData, policyTest } = presetFiles(names);
  const directory = await aFolder({ "data.yaml": policyData, "data_test.yaml": policyTest });
  const results = await runCases(directory, await anEngine(policyConfig.parse({ directory })), NOW);
  expect(results.length).toBe(2 * names.split(",").length + 1);
  expect(results.filter(({ failure }) => failure !== null)).toEqual([]);
});
