import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inspectHost } from "../../../../cli/sandbox/host-paths.ts";
import type { SandboxRequest } from "../../../../cli/sandbox/sandbox.ts";

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "weir-home-")));
  mkdirSync(join(home, "locked"));
  mkdirSync(join(home, "policy"));
  writeFileSync(join(home, "empty"), "");
});
afterEach(() => {
  chmodSync(join(home, "locked"), 0o700);
  rmSync(home, { recursive: true, force: true });
});

/** What the host looks like to a run in `home` with these paths to protect. */
function inspect(readOnlyPaths: readonly string[]) {
  const request: SandboxRequest = {
    command: ["true"], cwd: home, home, environment: {}, proxySocket: "", tokenFile: "", hiddenPaths: [], hiddenOwnPaths: [], readOnlyPaths, writablePaths: [], unixSockets: "private",
  };
  return inspectHost(request, { folder: home, emptyFile: join(home, "empty"), resolvConf: join(home, "empty"), hosts: join(home, "empty") });
}

test("a folder to protect is protected where it really is", () => {
  expect(inspect([join(home, "policy")]).readOnly).toContainEqual({ path: join(home, "policy"), isFolder: true });
});

test("a path to protect that goes through a link which the agent could replace is refused", () => {
  symlinkSync(join(home, "policy"), join(home, "link"));
  expect(() => inspect([join(home, "link", "data.yaml")])).toThrow("symbolic link");
});

test("a path that this user may not look at stops nothing: the agent is the same user", () => {
  chmodSync(join(home, "locked"), 0o000);
  expect(inspect([join(home, "locked", "state")]).readOnly.map(({ path }) => path)).not.toContain(join(home, "locked", "state"));
});
