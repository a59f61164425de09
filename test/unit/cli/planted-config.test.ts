import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchForPlantedConfig } from "../../../cli/planted-config.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-planted-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });
const path = (name: string) => join(folder, name);

test("a configuration that appeared is moved aside", () => {
  const setAside = watchForPlantedConfig(folder);
  writeFileSync(path("weir.yaml"), "planted");
  expect(setAside()).toBe(path("weir.yaml.from-agent"));
  expect(existsSync(path("weir.yaml"))).toBe(false);
  expect(readFileSync(path("weir.yaml.from-agent"), "utf8")).toBe("planted");
});

test("a link is one too, even if it leads nowhere yet", () => {
  const setAside = watchForPlantedConfig(folder);
  symlinkSync("/nowhere", path("weir.yaml"));
  expect(setAside()).toBe(path("weir.yaml.from-agent"));
});

test("one that was there before stays, and where none appeared nothing happens", () => {
  expect(watchForPlantedConfig(folder)()).toBeNull();
  writeFileSync(path("weir.yaml"), "own");
  expect(watchForPlantedConfig(folder)()).toBeNull();
  expect(readFileSync(path("weir.yaml"), "utf8")).toBe("own");
});
