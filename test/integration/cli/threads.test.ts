import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message, Thread } from "../../../client/client.ts";
import { readEnvironment } from "../../../common/config.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { startApi, tokenFor, type ApiStand } from "../../support/api/api-stand.ts";
import { weir, type Said } from "../../support/cli.ts";
import { runCommand } from "../../support/stage.ts";
import { mintAuthority } from "../../support/tls-authority.ts";

const WEIR_SOURCE = join(import.meta.dirname, "../../../cli/weir.ts");
let folder: string;
let stand: ApiStand;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weir-threads-"));
  const authority = await mintAuthority();
  writeFileSync(join(folder, "ca.pem"), authority.caPem);
  for (const name of ["alice", "eve"]) writeFileSync(join(folder, `${name}.token`), `${tokenFor(name)}\n`);
  stand = await startApi({ tls: await authority.leaf(["127.0.0.1"]), api: { pollIntervalMs: 100 } });
  url = `https://127.0.0.1:${stand.api.port}`;
  for (const name of ["alice", "eve"]) stand.addUser(name);
  await stand.addAgent("reviewer", { grants: ["github"] });
  await stand.store.relate({ objectKind: "agent", object: "default/reviewer", relation: "participant", subject: "user:alice" });
});
afterAll(async () => {
  await stand?.close();
  rmSync(folder, { recursive: true, force: true });
});

const way = (user = "alice") => ["--server", url, "--ca-file", join(folder, "ca.pem"), "--token-file", join(folder, `${user}.token`)];
const threads = async (verb: string, ...args: string[]): Promise<Said> => weir(["threads", verb, ...way(), ...args]);
const asEve = async (verb: string, ...args: string[]): Promise<Said> => weir(["threads", verb, ...way("eve"), ...args]);
const create = async (...args: string[]): Promise<string> => (await threads("create", "reviewer", ...args)).out;
const uidOf = async (name: string) => (await stand.store.threadByName("default", name))?.uid ?? "";
const messagesOf = async (name: string) => stand.store.messages(await uidOf(name), { afterSeq: 0, limit: 100 });
const answer = async (name: string, body: string) => stand.store.post(await uidOf(name), { sender: { role: "agent", name: "reviewer" }, isForAgent: false, body, key: null }, Date.now());

describe("weir threads create", () => {
  test("opens a thread with its first message and prints nothing but its name", async () => {
    const { code, out } = await threads("create", "reviewer", "-m", "look at #42", "--title", "PR 42", "--grants", "github");
    expect(code).toBe(0);
    expect(out).toMatch(/^[a-z0-9-]+$/);
    expect(await messagesOf(out)).toMatchObject([{ seq: 1, body: "look at #42", sender: { role: "user", name: "alice" } }]);
    expect((await threads("show", out)).out).toMatch(/title: +PR 42\nagent: +reviewer\nuser: +alice\nstands: +not looked at yet\nunread: +1\ngrants: +github/);
  });

  test("opens one thread however often it runs with one key", async () => {
    const names = [await create("--key", "job-1"), await create("--key", "job-1"), await create("--key", "job-2")];
    expect(names[0]).toBe(names[1]);
    expect(names[2]).not.toBe(names[0]);
  });

  test("is refused to whoever may not, with the rule, what to do about it, and exit code 1", async () => {
    const { code, out, err } = await asEve("create", "reviewer");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^weir: .*\(rule agent\.open\)\n {2}Ask a maintainer of the agent to add you to its participants\. Request [0-9a-f-]{36}\.$/);
  });
});

describe("weir threads ls", () => {
  test("shows the caller's threads as a table, and all of them as JSON", async () => {
    const name = await create("--title", "listed");
    const { out } = await threads("ls", "--agent", "reviewer");
    expect(out).toMatch(/^NAME +AGENT +PHASE +UNREAD +USER +ACTIVE +AGE +TITLE\n/);
    expect(out).toMatch(new RegExp(`^${name} +reviewer +- +0 +alice +\\S+ +0s +listed$`, "m"));
    const listed = JSON.parse((await threads("ls", "-o", "json", "--limit", "1")).out) as { threads: Thread[] };
    expect(listed.threads.map((thread) => thread.name)).toEqual([name]);
  });

  test("goes on over pages", async () => {
    await Promise.all(Array.from({ length: 110 }, async (_, index) => {
      const name = `page-${index}`;
      const { metadata: { uid = "" } } = await stand.cluster.create(TYPES.threads, { metadata: { namespace: "default", name }, spec: { agent: "reviewer", user: "alice" } });
      await stand.store.ensureThread({ uid, namespace: "default", name, agent: "reviewer", owner: "alice", parentUid: null }, Date.now());
    }));
    const listed = JSON.parse((await threads("ls", "-o", "json", "--limit", "105")).out) as { threads: Thread[] };
    expect(new Set(listed.threads.map((thread) => thread.name)).size).toBe(105);
  });

  test("says so where there is nothing to see", async () => {
    expect(await asEve("ls")).toMatchObject({ code: 0, out: "", err: "no thread in default that you may see; `weir threads create AGENT` opens one" });
  });
});

describe("weir threads send", () => {
  test("posts its argument, once for each key", async () => {
    const name = await create();
    expect(await threads("send", name, "first", "--key", "k")).toMatchObject({ code: 0, err: `taken as message 1 of ${name}` });
    expect((await threads("send", name, "first", "--key", "k")).err).toBe(`taken as message 1 of ${name}`);
    expect(JSON.parse((await threads("send", name, "second", "-o", "json")).out)).toMatchObject({ seq: 2, body: "second" });
    expect(await messagesOf(name)).toHaveLength(2);
  });

  test("posts standard input if there is no argument", async () => {
    const name = await create();
    const run = await runCommand(process.execPath, [WEIR_SOURCE, "threads", "send", ...way(), name], { input: "a diff\nof two lines\n" });
    expect(run).toMatchObject({ code: 0, stdout: "" });
    expect(await messagesOf(name)).toMatchObject([{ body: "a diff\nof two lines" }]);
  });

  test("waits for the agent's answer and prints that alone, not one to an earlier message", async () => {
    const name = await create("-m", "one");
    await answer(name, "to one");
    const waiting = threads("send", name, "two", "--wait");
    await expect.poll(async () => messagesOf(name)).toHaveLength(3);
    await answer(name, "to two,\nin two lines");
    expect(await waiting).toMatchObject({ code: 0, out: "to two,\nin two lines" });
  });

  test("fails with the next step if no answer comes in time", async () => {
    const name = await create();
    const { code, out, err } = await threads("send", name, "anybody?", "--wait", "--timeout", "1");
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain(`weir: no answer within 1 s\n  See \`weir explain --thread ${name}\``);
  });

  test("sends nothing that is no message", async () => {
    expect(await threads("send", "t", "  ")).toMatchObject({ code: 2, err: expect.stringContaining("the message is empty") });
    expect(await threads("send", "t", "x".repeat((256 << 10) + 1))).toMatchObject({ code: 2, err: expect.stringContaining("longer than 256 KiB") });
  });
});

describe("weir threads tail", () => {
  test("shows what was said and what is said, and ends with the thread", async () => {
    const name = await create("-m", "hello\u001b[31m");
    const tailing = threads("tail", name);
    await answer(name, "hi,\nAlice");
    await expect.poll(async () => messagesOf(name)).toHaveLength(2);
    // The stream is open when the second message is on it; deleting sooner would only be another case of the same end.
    expect((await threads("delete", name)).code).toBe(0);
    const { code, out, err } = await tailing;
    expect(code).toBe(0);
    expect(out).toMatch(/^#1 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d alice\n {2}hello\?\[31m$/m);
    expect(err).toBe(`the thread ${name} has ended, or is no longer yours to read`);
  });

  test("as JSON prints one event a line, unchanged, and without following ends by itself", async () => {
    const name = await create("-m", "one");
    await answer(name, "two");
    const lines = (await threads("tail", name, "--no-follow", "-o", "json")).out.split("\n").map((line) => JSON.parse(line) as { kind: string; message: Message });
    expect(lines.map(({ kind, message }) => [kind, message.seq, message.body])).toEqual([["message", 1, "one"], ["message", 2, "two"]]);
    expect((await threads("tail", name, "--no-follow", "--after", "1")).out).not.toContain("one");
    expect((await threads("tail", name, "--no-follow", "--last", "1")).out).not.toContain("one");
  });

  test("ends on Ctrl-C with exit code 0", async () => {
    const name = await create("-m", "one");
    const child = spawn(process.execPath, [WEIR_SOURCE, "threads", "tail", ...way(), name, "-o", "json"], { env: { ...readEnvironment() }, stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([0, null]);
  });

  test("is refused to whoever may not read, at once", async () => {
    const name = await create("-m", "secret");
    expect(await asEve("tail", name)).toMatchObject({ code: 1, out: "", err: expect.stringContaining("(rule thread.read)") });
  });
});

describe("weir threads stop", () => {
  test("asks for the end of the instance, which the Thread then says", async () => {
    const name = await create();
    expect(await threads("stop", name)).toMatchObject({ code: 0, err: `${name}: its instance is asked to stop` });
    expect((await stand.cluster.get(TYPES.threads, { namespace: "default", name }))?.["spec"]).toMatchObject({ stopRequestedAt: expect.any(String) });
  });

  test("is refused to whoever may not", async () => {
    expect(await asEve("stop", await create())).toMatchObject({ code: 1, err: expect.stringContaining("(rule thread.stop)") });
  });
});

describe("weir agents, asked of the controller", () => {
  test("lists those that the caller may open threads on", async () => {
    await stand.addAgent("secret", {});
    expect(await weir(["agents", ...way()])).toMatchObject({ code: 0, out: expect.stringMatching(/^NAME +POLICIES +GRANTS +BUDGETS +MCP SERVERS +SPAWNS\nreviewer +- +github +- +- +-$/) });
    expect(JSON.parse((await weir(["agents", ...way(), "-o", "json"])).out)).toMatchObject({ agents: [{ name: "reviewer", grants: ["github"] }] });
    expect(await weir(["agents", ...way("eve")])).toMatchObject({ code: 0, out: "", err: "there is no Agent in default that you may open a thread on" });
    expect(await weir(["agents", "-A", ...way()])).toMatchObject({ code: 2 });
  });
});

describe("the way to the controller", () => {
  test("is not taken without TLS, nor to a server with another CA, nor in silence where nobody answers", async () => {
    expect(await weir(["threads", "ls", "--server", url.replace("https", "http"), "--token-file", join(folder, "alice.token")]))
      .toMatchObject({ code: 2, err: expect.stringContaining("is not an https:// address") });
    expect(await weir(["threads", "ls", "--server", url, "--token-file", join(folder, "alice.token")]))
      .toMatchObject({ code: 69, err: expect.stringMatching(/the certificate at \S+ is not the controller's .*\n.*--ca-file/) });
    expect(await weir(["threads", "ls", "--server", "https://127.0.0.1:40001", "--token-file", join(folder, "alice.token")]))
      .toMatchObject({ code: 69, err: expect.stringMatching(/does not answer \(ECONNREFUSED\)\n.*weir doctor --cluster/) });
  });
});
