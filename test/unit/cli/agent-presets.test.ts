import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PRESET_NAMES, presetFiles } from "../../../cli/agent-presets.ts";
import { loadConfig } from "../../../cli/load-config.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-presets-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

function grantsOf(names: string) {
  const file = join(folder, "weir.yaml");
  writeFileSync(file, presetFiles(names).config);
  return loadConfig(file).config.grants;
}

test("the configuration for all stock agents is fit, and no grant of it is missing or left over", () => {
  const grants = grantsOf(PRESET_NAMES.join(","));
  expect(Object.keys(grants)).toEqual(["anthropic", "openai", "gemini"]);
  expect(grants["anthropic"]).toMatchObject({
    credential: { type: "file", path: join(folder, "secrets/anthropic") }, inject: { header: "x-api-key" }, bind: { hosts: ["api.anthropic.com"], paths: ["/v1/**"] },
    env: { ANTHROPIC_API_KEY: "anthropic" },
  });
});

test("for one agent there is one grant, its secret and its command, however often it is named", () => {
  expect(Object.keys(grantsOf("codex, codex"))).toEqual(["openai"]);
  expect(presetFiles("codex, codex")).toMatchObject({ secretFiles: ["secrets/openai"], commands: [expect.stringMatching(/^codex exec /)] });
});

test("nothing of the example that everybody starts with is left, but the other settings are", () => {
  const { config } = presetFiles("claude");
  expect(config).not.toContain("github");
  expect(config).toContain("# budgets:");
});

test.each(["", "claud", "claude,constructor"])("--for %j is refused, with the names that there are", (names) => {
  expect(() => presetFiles(names)).toThrow(/no such agent/);
});
