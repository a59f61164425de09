import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { weirConfig } from "../../../cli/config.ts";
import { auditDirectoryOfRun, auditRoot, stateDirectory } from "../../../cli/state-directory.ts";

const STARTED_AT_MS = Date.parse("2026-01-02T03:04:05.678Z");
let home: string;
beforeEach(() => { home = mkdtempSync(join(tmpdir(), "weir-home-")); });
afterEach(() => { rmSync(home, { recursive: true, force: true }); });

const configured = (settings: object = {}) => weirConfig.parse(settings);

describe("the state directory", () => {
  test("is of the user alone, below the home", () => {
    const path = stateDirectory(configured(), { HOME: home });
    expect(path).toBe(join(home, ".local", "state", "weir"));
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test("follows XDG_STATE_HOME, and the configuration before it", () => {
    const environment = { HOME: home, XDG_STATE_HOME: join(home, "xdg") };
    expect(stateDirectory(configured(), environment)).toBe(join(home, "xdg", "weir"));
    expect(stateDirectory(configured({ stateDirectory: join(home, "own") }), environment)).toBe(join(home, "own"));
  });
});

describe("the audit chain of a run", () => {
  test("has a folder of its own, so that two runs at once never share one", () => {
    const folderOf = (pid: number) => auditDirectoryOfRun(configured(), { HOME: home }, STARTED_AT_MS, pid);
    expect(folderOf(41)).toBe(join(auditRoot(configured(), { HOME: home }), "run-20260102T030405Z-41"));
    expect(folderOf(42)).not.toBe(folderOf(41));
  });

  test("is where the configuration says, for every run", () => {
    const config = configured({ audit: { directory: join(home, "chain") } });
    expect(auditDirectoryOfRun(config, { HOME: home }, STARTED_AT_MS, 41)).toBe(join(home, "chain"));
  });
});
