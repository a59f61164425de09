import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCommand, WEIR, type Finished, type RunOptions } from "../../support/stage.ts";

/** Every way to start wrongly ends with one message that says how to mend it, without a stack, and with the documented exit code. */

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "weir-cli-")); });
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

async function weir(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runCommand(process.execPath, [WEIR, ...args], { cwd: folder, env: { XDG_STATE_HOME: join(folder, "state"), NO_COLOR: "1" }, ...options });
}

function config(text: string): string {
  const file = join(folder, "weir.yaml");
  writeFileSync(file, text);
  return file;
}

test("--help teaches the first three commands and the exit codes", async () => {
  const { code, stdout } = await weir(["--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/weir init .*\n.*weir doctor .*\n.*weir run -- curl/);
  expect(stdout).toContain("78 configuration");
});

test("--version prints the version of the package", async () => {
  expect((await weir(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([[["rnu"]], [["run"]], [["run", "--polcy", "x", "--", "true"]], [["audit", "tail", "-n", "many"]], [["run", "-o", "xml", "--", "true"]]])(
  "a wrong call %j exits 2 and points at the help", async (args) => {
    const { code, stderr } = await weir(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/error: |help/);
    expect(stderr).not.toContain("    at ");
  });

test("a wrong call of a command points at the help of that command", async () => {
  expect((await weir(["audit", "tail", "--nonsense"])).stderr).toContain("(see `weir audit tail --help`)");
  expect((await weir(["policy", "try"])).stderr).toContain("(see `weir policy try --help`)");
  expect((await weir(["rnu"])).stderr).toContain("(see `weir --help`)");
});

test("a broken weir.yaml lists every problem with its path and exits 78", async () => {
  config("agnet: {}\nupstream: {connectTimeoutMs: soon}\ngrants: {api: {credential: {type: file}}}\n");
  const { code, stderr } = await weir(["run", "--", "true"]);
  expect(code).toBe(78);
  expect(stderr).toContain("agnet: unknown key");
  expect(stderr).toContain("upstream.connectTimeoutMs: ");
  expect(stderr).toContain("grants.api.credential.path: ");
  expect(stderr).toContain("grants.api.bind: ");
  expect(stderr).not.toContain("    at ");
});

test("a missing configuration names the file and `weir init`", async () => {
  const { code, stderr } = await weir(["run", "--config", "nowhere.yaml", "--", "true"]);
  expect(code).toBe(78);
  expect(stderr).toMatch(/nowhere\.yaml: no such file[^]*weir init/);
});

test("a missing policy bundle names the file and what to do", async () => {
  const { code, stderr } = await weir(["run", "--policy", "absent.tar.gz", "--", "true"]);
  expect(code).toBe(78);
  expect(stderr).toContain("absent.tar.gz");
  expect(stderr).not.toContain("    at ");
});

test("a missing policy folder names the folder and what to do", async () => {
  const { code, stderr } = await weir(["run", "--policy", "absent", "--", "true"]);
  expect(code).toBe(78);
  expect(stderr).toContain("absent");
});

test("a port in use names the port and what to do", async () => {
  const holder = createServer();
  holder.listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as AddressInfo;
  try {
    config(`admin: {address: "127.0.0.1:${port}"}\n`);
    const { code, stderr } = await weir(["up", "--socket", join(folder, "s", "proxy.sock")]);
    expect(code).toBe(78);
    expect(stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
  } finally {
    holder.close();
  }
});

test("a socket that another proxy serves is not taken from it", async () => {
  const path = join(folder, "proxy.sock");
  const holder = createServer();
  holder.listen(path);
  await once(holder, "listening");
  try {
    const { code, stderr } = await weir(["up", "--socket", path]);
    expect(code).toBe(78);
    expect(stderr).toContain("in use");
  } finally {
    holder.close();
  }
});

test("a machine without user namespaces is told what to enable, and nothing runs ungoverned", async () => {
  // Namespaces are really taken away: the limit is set to zero for everything below this one.
  const script = `echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"`;
  const { code, stdout, stderr } = await runCommand("unshare", ["-Ur", "sh", "-c", script, process.execPath, WEIR, "run", "--", "echo", "ran anyway"],
    { cwd: folder, env: { XDG_STATE_HOME: join(folder, "state") } });
  expect(code).toBe(69);
  expect(stdout).not.toContain("ran anyway");
  expect(stderr).toMatch(/user namespaces[^]*mend: /);
});

const OLD_NODE = ["/usr/local/bin/node", "/usr/bin/node"].find((path) => existsSync(path));

test.runIf(OLD_NODE !== undefined)("on a Node that is too old the first line says which one is needed", async () => {
  const version = (await runCommand(OLD_NODE ?? "", ["--version"])).stdout;
  const { code, stderr } = await runCommand(OLD_NODE ?? "", [WEIR, "run", "--", "true"], { cwd: folder });
  if (Number(/^v(\d+)/.exec(version)?.[1]) >= 24) expect(code).not.toBe(69);
  else {
    expect(code).toBe(69);
    expect(stderr).toMatch(/needs Node 26[^]*npm ci/);
  }
});

test("init writes a starter that its own checks accept, and overwrites nothing", async () => {
  expect((await weir(["init"])).code).toBe(0);
  expect(readdirSync(folder).toSorted()).toEqual(expect.arrayContaining(["policy", "weir.yaml"]));
  expect((await weir(["policy", "check", "policy"])).code).toBe(0);
  expect((await weir(["policy", "test", "policy"])).code).toBe(0);
  const again = await weir(["init"]);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain("already there: weir.yaml");
});
