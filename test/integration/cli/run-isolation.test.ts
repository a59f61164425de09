import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildStage, runCommand, WEIR, type Stage } from "../../support/stage.ts";

/** What a command inside of `weir run` can do to the runs beside and after it. */

let stage: Stage;
let home: string;
beforeEach(async () => {
  stage = await buildStage();
  home = join(stage.directory, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true });
  writeFileSync(join(home, ".ssh", "id"), "canary private key");
  stage.configure({}, { hosts: [] });
});
afterEach(() => { stage.remove(); });

const sh = async (script: string, options: Parameters<Stage["run"]>[1] = {}) => stage.run(["sh", "-c", `exec 2>&1\n${script}`], { ...options, env: { HOME: home, ...options.env } });

describe("the state of Weir", () => {
  test("in the default place is hidden although this run keeps its own elsewhere", async () => {
    const state = join(home, ".local/state/weir/ca");
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "ca-key.pem"), "canary key");
    const { stdout } = await sh("cat ~/.local/state/weir/ca/ca-key.pem; find ~/.local/state/weir -type f");
    expect(stdout).toContain("No such file");
    expect(stdout).not.toContain("canary");
  });

  test("cannot be planted where there is none yet", async () => {
    await sh("mkdir -p ~/.local/state/weir/ca ~/.cache/weir/tools; echo evil > ~/.local/state/weir/ca/ca-key.pem; echo evil > ~/.cache/weir/tools/opa-v1.22.0");
    expect(existsSync(join(home, ".local/state/weir/ca"))).toBe(false);
    expect(existsSync(join(home, ".cache/weir/tools/opa-v1.22.0"))).toBe(false);
  });

  test("is refused behind a link that the command could turn elsewhere", async () => {
    mkdirSync(join(stage.directory, "elsewhere"));
    symlinkSync(join(stage.directory, "elsewhere"), join(home, ".local"));
    const { code, stderr } = await sh("echo ran");
    expect(code).toBe(78);
    expect(stderr).toContain(`symbolic link ${join(home, ".local")}`);
  });

  test("that cannot be made is one message, not a stack", async () => {
    writeFileSync(join(home, "file"), "");
    stage.configure({ stateDirectory: join(home, "file", "state") }, { hosts: [] });
    const { code, stderr } = await sh("echo ran");
    expect(code).toBe(78);
    expect(stderr).toMatch(/the state directory \S+ cannot be made/);
    expect(stderr).not.toContain("    at ");
  });
});

test("the files of a run are not where TMPDIR says: that may be a folder that other agents see", async () => {
  const temporary = join(home, "tmp");
  mkdirSync(temporary);
  const { stdout } = await sh("find ~/tmp; echo seen", { env: { TMPDIR: temporary } });
  expect(stdout.trim().split("\n")).toEqual([temporary, "seen"]);
});

describe("a weir.yaml in the working directory", () => {
  test("that the command leaves is set aside, and said", async () => {
    const { stderr } = await sh("echo 'sandbox: {hide: []}' > weir.yaml");
    expect(stderr).toContain("the command left a weir.yaml");
    expect(existsSync(join(stage.directory, "work", "weir.yaml"))).toBe(false);
    expect(existsSync(join(stage.directory, "work", "weir.yaml.from-agent"))).toBe(true);
  });

  test("cannot be changed, although this run was given another", async () => {
    const path = join(stage.directory, "work", "weir.yaml");
    writeFileSync(path, "# own\n");
    const { stderr } = await sh("echo evil > weir.yaml; rm -f weir.yaml; mv weir.yaml x");
    expect(readFileSync(path, "utf8")).toBe("# own\n");
    expect(stderr).not.toContain("the command left");
  });
});

test("what the account's own home holds stays hidden when HOME is another folder", async () => {
  const state = join(userInfo().homedir, ".local", "state", "weir");
  const { stdout } = await sh(`cut -d' ' -f5 /proc/self/mountinfo; echo holds $(ls -A ${state})`);
  expect(stdout.trim().split("\n")).toContain(state);
  expect(stdout).toMatch(/\nholds\n$/);
});

test("`sandbox.hide` is relative to the configuration, wherever the command is started", async () => {
  writeFileSync(join(stage.directory, "work", "secret"), "canary");
  stage.configure({ sandbox: { hide: ["work/secret"] } }, { hosts: [] });
  expect((await sh("cat secret; cat ~/.ssh/id")).stdout).toBe("canary private key");
});

test("denied Unix sockets include a pair of datagram sockets, which could send to any path", async () => {
  stage.configure({ sandbox: { unixSockets: "deny" } }, { hosts: [] });
  const pair = (kind: string) => `python3 -c "import socket; socket.socketpair(socket.AF_UNIX, socket.${kind}); print('made')"`;
  expect((await sh(pair("SOCK_STREAM"))).stdout).toContain("made");
  expect((await sh(pair("SOCK_DGRAM"))).stdout).toContain("Address family not supported");
});

describe("COMMAND", () => {
  test("may have `=` in its name: it is run, not taken for a variable", async () => {
    const program = join(stage.directory, "work", "with=sign");
    writeFileSync(program, "#!/bin/sh\necho it ran\nexit 5\n");
    chmodSync(program, 0o755);
    const run = await stage.run(["./with=sign"]);
    expect([run.code, run.stdout]).toEqual([5, "it ran\n"]);
    expect((await stage.run(["no=such"])).code).toBe(127);
  });

  test("with more words than the sandbox takes is refused with the reason", async () => {
    const { code, stderr } = await stage.run(["echo", ...Array.from({ length: 9_000 }, () => "x")]);
    expect(code).toBe(78);
    expect(stderr).toContain("too many words");
  });

  test("does not start in a folder that is gone", async () => {
    const folder = join(realpathSync(stage.directory), "gone");
    mkdirSync(folder);
    const script = `rmdir ${folder}; exec "$0" "$@"`;
    const { code, stderr } = await runCommand("sh", ["-c", script, process.execPath, WEIR, "run", "--", "true"], { cwd: folder });
    expect([code, existsSync(folder)]).toEqual([78, false]);
    expect(stderr).toContain("the working directory does not exist any more");
  });
});
