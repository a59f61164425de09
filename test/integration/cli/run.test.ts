import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildStage, WEIR, type Stage } from "../../support/stage.ts";
import { startUpstream, type UpstreamServer } from "../../support/upstream-server.ts";

/** `weir run`, `up`, `audit`, `explain` and `doctor` (cli/weir.ts) as a user calls them: the built program in a process of its own. */

const HOST = "api.run.test";
let stage: Stage;
let upstream: UpstreamServer;

beforeAll(async () => {
  stage = await buildStage();
  upstream = await startUpstream(await stage.authority.leaf([HOST]));
  stage.route(HOST, 443, upstream.port);
  stage.configure({ grants: { api: { credential: { type: "file", path: stage.secretFile("key", "canary-key-1") }, bind: { hosts: [HOST] }, env: { API_KEY: "auto", CLIENT_RC: { file: "key=${API_KEY}\n" } } } } },
    { hosts: [{ name: HOST, rule: "run.read", paths: ["/v1/**"], grants: ["api"] }] });
});

afterAll(async () => {
  await upstream.close();
  stage.remove();
});

test.each([["true", 0], ["false", 1], ["exit 7", 7], ["kill -TERM $$", 143], ["kill -KILL $$", 137]])("%j ends with %i, as in a shell", async (script, code) => {
  expect((await stage.run(["sh", "-c", script])).code).toBe(code);
});

test("a command that does not exist ends with 127, one that cannot be executed with 126", async () => {
  writeFileSync(join(stage.directory, "work", "not-executable"), "text");
  expect((await stage.run(["no-such-command-here"])).code).toBe(127);
  expect((await stage.run(["./not-executable"])).code).toBe(126);
});

test("standard input, output and error of the command are the caller's", async () => {
  const { stdout, stderr } = await stage.run(["sh", "-c", "tr a-z A-Z; echo aside >&2"], { input: "through\n" });
  expect(stdout).toBe("THROUGH\n");
  expect(stderr).toContain("aside");
});

test("the command is the caller's user, in the caller's folder, with a dummy for a key", async () => {
  const { stdout } = await stage.run(["sh", "-c", "id -u; pwd; echo $API_KEY"]);
  const [uid, folder, key] = stdout.trim().split("\n");
  expect(uid).toBe(String(process.getuid?.()));
  expect(folder).toBe(join(stage.directory, "work"));
  expect(key).toMatch(/\S{8,}/);
  expect(key).not.toContain("canary");
});

test("the command reads the file with a dummy that a variable names, and cannot write it", async () => {
  const { stdout, stderr } = await stage.run(["sh", "-c", 'cat "$CLIENT_RC"; echo x > "$CLIENT_RC"']);
  expect(stdout).toBe("key=${API_KEY}\n");
  expect(stderr).toMatch(/Read-only file system|cannot create/);
});

test("what it writes in its folder stays there, outside of it nothing can be written", async () => {
  const { stderr } = await stage.run(["sh", "-c", "echo kept > kept; echo x > /etc/weir-was-here; echo x > /usr/weir-was-here"]);
  expect(readFileSync(join(stage.directory, "work", "kept"), "utf8")).toBe("kept\n");
  expect(stderr).toMatch(/Read-only file system|cannot create/);
  expect(existsSync("/etc/weir-was-here")).toBe(false);
});

test("the agent cannot change its policy or its configuration, not even by moving a folder away", async () => {
  const inside = join(stage.directory, "work", "project");
  mkdirSync(join(inside, "nested", "policy"), { recursive: true });
  writeFileSync(join(inside, "nested", "policy", "data.yaml"), "hosts: []\n");
  writeFileSync(join(inside, "weir.yaml"), `stateDirectory: ${join(stage.directory, "state2")}\npolicy: {directory: nested/policy}\n`);
  const script = "echo 'hosts: [{name: evil.test}]' > nested/policy/data.yaml; mv nested moved; rm -rf nested/policy; echo x > weir.yaml; mv weir.yaml other; true";
  const { code } = await stage.weir(["run", "--", "sh", "-c", script], { cwd: inside });
  expect(code).toBe(0);
  expect(readFileSync(join(inside, "nested", "policy", "data.yaml"), "utf8")).toBe("hosts: []\n");
  expect(readFileSync(join(inside, "weir.yaml"), "utf8")).toContain("stateDirectory");
});

test("state, audit and secrets of the boundary do not exist for the agent", async () => {
  const { stdout } = await stage.run(["sh", "-c", `ls -A ${stage.directory}/state ${stage.directory}/audit; cat ${stage.directory}/secrets/key; true`]);
  expect(stdout).not.toContain("canary");
  expect(stdout).not.toMatch(/ca-key|jsonl|issuer/);
});

test("TERM reaches the command itself, and the exit code is the command's", async () => {
  const child = spawn(process.execPath, [WEIR, "run", "--config", stage.configFile, "--", "sh", "-c", "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.1; done"],
    { cwd: join(stage.directory, "work"), stdio: ["ignore", "pipe", "ignore"] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  child.kill("SIGTERM");
  expect((await lines.next()).value).toBe("got it");
  expect((await once(child, "exit"))[0]).toBe(5);
});

test("with -o json refusals and the end are JSON lines on standard error", async () => {
  const { stderr } = await stage.weir(["run", "-o", "json", "--config", stage.configFile, "--", "curl", "-s", `https://${HOST}/admin`]);
  const events = stderr.trim().split("\n").map((line) => JSON.parse(line) as { event: string; rule?: string; denied?: number });
  expect(events).toEqual(expect.arrayContaining([
    expect.objectContaining({ event: "refused", rule: "run.read" }), expect.objectContaining({ event: "finished", exitCode: 0, denied: 1 }),
  ]));
});

test("explain names the rule of the last refusal and the entry that would have allowed it", async () => {
  await stage.run(["curl", "-s", "-X", "DELETE", `https://${HOST}/v1/items`]);
  const { code, stdout } = await stage.weir(["explain", "--config", stage.configFile]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/DELETE https:\/\/api\.run\.test\/v1\/items: denied[^]*rule: +run\.read[^]*methods:[^]*DELETE/);
});

test("audit verify finds the chain whole, and broken after one byte has changed", async () => {
  await stage.run(["curl", "-s", `https://${HOST}/v1/items`]);
  expect((await stage.weir(["audit", "verify", "--config", stage.configFile])).code).toBe(0);
  const copy = join(stage.directory, "copy");
  cpSync(stage.auditDirectory, copy, { recursive: true });
  const segment = join(copy, readdirSync(copy).find((name) => name.endsWith(".jsonl")) ?? "");
  writeFileSync(segment, readFileSync(segment, "utf8").replace('"http_method":"GET"', '"http_method":"PUT"'));
  const broken = await stage.weir(["audit", "verify", copy]);
  expect(broken.code).toBe(1);
  expect(broken.stdout + broken.stderr).toMatch(/sequence|record \d+/);
  const { stdout } = await stage.weir(["audit", "tail", "--config", stage.configFile, "-n", "500"]);
  expect(stdout).toMatch(/allowed\s+agent\s+GET api\.run\.test\/v1\/items/);
});

test("doctor finds this machine fit and says what is not isolated", async () => {
  const { code, stdout } = await stage.weir(["doctor", "--config", stage.configFile]);
  expect(stdout).not.toContain("FAIL");
  expect(code).toBe(0);
  expect(stdout).toContain("Not isolated by the local sandbox");
});
