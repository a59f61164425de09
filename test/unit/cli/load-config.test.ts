import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "../../../cli/load-config.ts";
import { STARTER_CONFIG } from "../../../cli/starter-config.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-config-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

function load(text: string) {
  const file = join(folder, "weir.yaml");
  writeFileSync(file, text);
  return loadConfig(file);
}

test("the starter is fit, and so is it with every example uncommented", () => {
  expect(load(STARTER_CONFIG).config.policy.directory).toBe(join(folder, "policy"));
  const uncommented = STARTER_CONFIG.replaceAll(/^# ?(?=( {2,}|grants:|budgets:|audit:))/gm, "");
  expect(Object.keys(load(uncommented).config.grants)).toEqual(["github", "other"]);
});

test("paths in the file are relative to the file", () => {
  const { config } = load("policy: {bundle: p.tar.gz}\nupstream: {extraCaFiles: [a.pem, /b.pem]}\n");
  expect(config.policy.bundle).toBe(join(folder, "p.tar.gz"));
  expect(config.upstream.extraCaFiles).toEqual([join(folder, "a.pem"), "/b.pem"]);
});

test("folders of the sandbox are relative to the file too, but for those in the home", () => {
  const { config } = load('sandbox: {hide: [secret, ~/.ssh, /x], writable: [out, "~"]}\n');
  expect(config.sandbox.hide).toEqual([join(folder, "secret"), "~/.ssh", "/x"]);
  expect(config.sandbox.writable).toEqual([join(folder, "out"), "~"]);
  expect(() => load("sandbox: {hide: [~other/.ssh]}\n")).toThrow(/not expanded/);
});

test("a credential's file is relative to the file, a path in Vault stays as it is", () => {
  const { config } = load(`
grants:
  a: {credential: {type: file, path: secrets/a}, bind: {hosts: [a.test]}}
  b: {credential: {type: vault, path: team/b, field: token}, bind: {hosts: [b.test]}}
credentials: {vault: {address: "https://vault.test", tokenFile: token}}
`);
  expect(config.grants["a"]?.credential).toMatchObject({ path: join(folder, "secrets/a") });
  expect(config.grants["b"]?.credential).toMatchObject({ path: "team/b" });
  expect(config.credentials.vault?.tokenFile).toBe(join(folder, "token"));
});

test("a tilde is refused and not taken for a folder of that name", () => {
  expect(() => load("stateDirectory: ~/weir\n")).toThrow(/"~" is not expanded/);
});

test("without a file the defaults hold", () => {
  const before = process.cwd();
  process.chdir(folder);
  try {
    expect(loadConfig(undefined).file).toBeNull();
  } finally {
    process.chdir(before);
  }
});
