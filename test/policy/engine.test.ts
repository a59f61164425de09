import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { silentLog } from "../../common/log.ts";
import { systemClock } from "../../common/clock.ts";
import { buildPolicy } from "../../proxy/policy/policy-tool.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { ReloadingPolicyEngine, type PolicyEvent } from "../../proxy/policy/engine.ts";
import { bundleFile, policyFolder } from "../../proxy/policy/file-sources.ts";
import { WasmPolicy } from "../../proxy/policy/wasm-policy.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { aConnection, aName, anExchange } from "./questions.ts";

const rule = (name: string) => `hosts: [{name: api.example.com, rule: ${name}}]\n`;
const config = (section: object) => policyConfig.parse(section);

/** Resolves at the next change of policy. */
const changeOf = (engine: ReloadingPolicyEngine) => new Promise<void>((resolve) => { engine.onChange(resolve); });

/** Watches in the background until the test is over. */
function watching(engine: ReloadingPolicyEngine): void {
  const stop = new AbortController();
  const running = engine.watch(stop.signal);
  onTestFinished(async () => { stop.abort(); await running; });
}

describe("the engine", () => {
  test("without any policy refuses every connection and request, and says what to add", async () => {
    const engine = await anEngine(config({}));
    expect(await asks(engine, "connection", aConnection())).toMatchObject({ kind: "deny", rule: "hosts.default", hint: expect.stringContaining("{name: api.example.com, ports: [443]}") });
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ kind: "deny", rule: "hosts.default" });
    expect(await asks(engine, "name", aName("api.example.com"))).toMatchObject({ kind: "allow", rule: "names.default" });
  });

  test("with data in the configuration allows what it lists, under a revision of its content", async () => {
    const engine = await anEngine(config({ data: { hosts: [{ name: "api.example.com", rule: "api.read", grants: ["api"] }] } }));
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ kind: "allow", rule: "api.read", grants: ["api"], revision: engine.revision });
    expect(await asks(engine, "exchange", anExchange({ request: { method: "POST" } }))).toEqual({
      kind: "deny", rule: "api.read", reason: "method POST is not allowed for api.example.com", hint: "allowed: GET, HEAD; add POST to the rule's methods", revision: engine.revision,
    });
    expect((await anEngine(config({ data: { hosts: [{ name: "other.test" }] } }))).revision).not.toBe(engine.revision);
  });

  test("with a bundle answers by it, under the bundle's revision", async () => {
    const folder = await aFolder({ "data.yaml": rule("from.bundle") });
    const { packed, revision } = await buildPolicy(folder, {}, () => undefined);
    const bundle = join(await aFolder({ "policy.tar.gz": packed }), "policy.tar.gz");
    const engine = await anEngine(config({ bundle }));
    expect(engine.revision).toBe(revision);
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ kind: "allow", rule: "from.bundle", revision });
  });

  test("ends a question whose connection has ended", async () => {
    const engine = await anEngine(config({}));
    await expect(engine.decide("exchange", anExchange(), AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  });

  test("that is closed gives back the threads of its policy, also of one that was being loaded", async () => {
    const open = new Set<string>();
    const folder = await aFolder({ "data.yaml": rule("first") });
    const engine = await ReloadingPolicyEngine.open(config({ directory: folder }), {
      log: silentLog, clock: systemClock, environment: {},
      openEvaluator: async ({ wasm, data }, limits, clock) => {
        const policy = await WasmPolicy.open(wasm, data, { limits, clock });
        const name = JSON.stringify(data);
        open.add(name);
        return Object.assign(policy, { close: async () => { open.delete(name); } });
      },
    });
    expect(open.size).toBe(1);
    await writeFile(join(folder, "data.yaml"), rule("second"));
    const loading = engine.reload();
    await engine.close();
    await loading;
    await vi.waitFor(() => { expect([...open]).toEqual([]); });
  });

  test("starts a new policy's threads before it comes into force, if the one before had any", async () => {
    const warmed: string[] = [];
    let isWarm = false;
    const folder = await aFolder({ "data.yaml": rule("first") });
    const engine: ReloadingPolicyEngine = await ReloadingPolicyEngine.open(config({ directory: folder }), {
      log: silentLog, clock: systemClock, environment: {},
      openEvaluator: async ({ wasm, data }, limits, clock) => {
        const policy = await WasmPolicy.open(wasm, data, { limits, clock });
        return Object.assign(policy, { isWarm, warm: async () => { warmed.push(engine.revision); throw new Error("not now"); } });
      },
    });
    onTestFinished(async () => engine.close());
    const [first, { length: none }] = [engine.revision, warmed];
    isWarm = true;
    await writeFile(join(folder, "data.yaml"), rule("second"));
    await engine.reload();
    const second = engine.revision;
    await writeFile(join(folder, "data.yaml"), rule("third"));
    await engine.reload();
    expect([first !== second, second !== engine.revision, none, warmed]).toEqual([true, true, 0, [second]]);
  });

  test("takes one place for its policy, not two", () => {
    expect(policyConfig.safeParse({ bundle: "a", directory: "b" }).error?.issues[0]?.message).toBe("bundle and directory exclude each other; keep one");
  });
});

describe("the engine does not start", () => {
  const opening = (section: object) => ReloadingPolicyEngine.open(config(section), { log: silentLog, clock: systemClock, environment: {} });

  test.each([
    ["without its bundle", { bundle: "/nowhere/policy.tar.gz" }, "cannot read the policy bundle /nowhere/policy.tar.gz: no such file"],
    ["without its folder", { directory: "/nowhere" }, "cannot read the policy folder /nowhere: no such folder"],
  ])("%s, and says so", async (_, section, message) => {
    await expect(opening(section)).rejects.toMatchObject({ message, exitCode: 78, hint: expect.stringMatching(/policy/) });
  });

  test("with a bundle that is none", async () => {
    const folder = await aFolder({ "policy.tar.gz": "not a bundle" });
    await expect(opening({ bundle: join(folder, "policy.tar.gz") })).rejects.toMatchObject({ message: expect.stringContaining("not a gzip file"), exitCode: 78 });
  });

  test("with a folder that holds no policy", async () => {
    await expect(opening({ directory: await aFolder({}) })).rejects.toMatchObject({ message: expect.stringContaining("holds no policy"), exitCode: 78 });
  });

  test("with two data files", async () => {
    await expect(opening({ directory: await aFolder({ "data.yaml": "{}", "data.json": "{}" }) })).rejects.toThrow("data.json and data.yaml");
  });

  test("with data that has mistakes, and names every one", async () => {
    const directory = await aFolder({ "data.yaml": "hosts: [{name: A.test}, {nam: b.test}]\n" });
    await expect(opening({ directory })).rejects.toMatchObject({ problems: [expect.stringContaining("hosts.0.name"), expect.stringContaining("hosts.1.name"), expect.stringContaining("hosts.1.nam:")] });
  });

  test("with Rego where there is no compiler, and names the ways to get one", async () => {
    const directory = await aFolder({ "mine.rego": "package weir.custom.exchange\n" });
    await expect(ReloadingPolicyEngine.open(config({ directory }), { log: silentLog, clock: systemClock, environment: { PATH: "", XDG_CACHE_HOME: "/nowhere", HOME: "/nowhere" } }))
      .rejects.toMatchObject({ exitCode: 69, hint: expect.stringMatching(/WEIR_OPA.*PATH.*Go/) });
  });
});

describe("a policy that changes", () => {
  test("is in force after a reload, and those who wait for a change are called", async () => {
    const directory = await aFolder({ "data.yaml": rule("first") });
    const engine = await anEngine(config({ directory }));
    const before = engine.revision;
    let changes = 0;
    const stop = engine.onChange(() => { changes += 1; });
    await writeFile(join(directory, "data.yaml"), rule("second"));
    await engine.reload();
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "second" });
    expect(engine.revision).not.toBe(before);
    await engine.reload();
    expect(changes).toBe(1);
    stop();
    await writeFile(join(directory, "data.yaml"), rule("third"));
    await engine.reload();
    expect(changes).toBe(1);
  });

  test.each([
    ["has a mistake", "hosts: [{nam: x}]\n"], ["is no YAML", "hosts: [{\n"], ["is empty of sense", "- a\n"],
  ])("but %s is reported, and the last good one stays", async (_, text) => {
    const events: PolicyEvent[] = [];
    const directory = await aFolder({ "data.yaml": rule("good") });
    const engine = await anEngine(config({ directory }), { events });
    await writeFile(join(directory, "data.yaml"), text);
    await engine.reload();
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ kind: "allow", rule: "good" });
    expect(events).toEqual([
      { event: "policy.loaded", outcome: "succeeded", fields: { source: directory, revision: engine.revision, digest: expect.any(String) } },
      { event: "policy.refused", outcome: "failed", fields: { source: directory, error: expect.any(String), kept: engine.revision } },
    ]);
  });

  test("and is gone is reported, and the last good one stays until there is one again", async () => {
    const directory = await aFolder({ "data.yaml": rule("good") });
    const engine = await anEngine(config({ directory }));
    await rm(directory, { recursive: true });
    await engine.reload();
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "good" });
    await mkdir(directory);
    await writeFile(join(directory, "data.yaml"), rule("again"));
    await engine.reload();
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "again" });
  });

  test("is noticed by the watch", async () => {
    const directory = await aFolder({ "data.yaml": rule("first") });
    const engine = await anEngine(config({ directory, pollIntervalMs: 100 }));
    watching(engine);
    const changed = changeOf(engine);
    await writeFile(join(directory, "data.yaml"), rule("second"));
    await changed;
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "second" });
  });

  test("as a mounted ConfigMap does, by a swapped link, is noticed", async () => {
    const directory = await aFolder({});
    for (const version of ["first", "second"]) {
      await mkdir(join(directory, `..${version}`));
      await writeFile(join(directory, `..${version}`, "data.yaml"), rule(version));
    }
    await symlink("..first", join(directory, "..data"));
    await symlink("..data/data.yaml", join(directory, "data.yaml"));
    const engine = await anEngine(config({ directory, pollIntervalMs: 100 }));
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "first" });
    watching(engine);
    const changed = changeOf(engine);
    await symlink("..second", join(directory, "..data_tmp"));
    await rename(join(directory, "..data_tmp"), join(directory, "..data"));
    await changed;
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "second" });
  });

  test("as a bundle that is replaced is noticed", async () => {
    const built = async (name: string) => (await buildPolicy(await aFolder({ "data.yaml": rule(name) }), {}, () => undefined)).packed;
    const folder = await aFolder({ "policy.tar.gz": await built("first") });
    const engine = await anEngine(config({ bundle: join(folder, "policy.tar.gz"), pollIntervalMs: 100 }));
    watching(engine);
    const changed = changeOf(engine);
    await writeFile(join(folder, "new.tar.gz"), await built("second"));
    await rename(join(folder, "new.tar.gz"), join(folder, "policy.tar.gz"));
    await changed;
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "second" });
  });

  test("as a bundle is not looked for in the folders beside it, however many there are", () => {
    expect(bundleFile("/home/someone/policy.tar.gz", { pollIntervalMs: 100, vetting: null, memoryLimitBytes: 1 << 26 }).watched).toEqual({ folder: "/home/someone", isDeep: false });
    expect(policyFolder("/etc/weir/policy", { pollIntervalMs: 100, environment: {} }).watched).toEqual({ folder: "/etc/weir/policy", isDeep: true });
  });

  test("while a question is open leaves that question to the policy that it was put to, and names it", async () => {
    const directory = await aFolder({ "data.yaml": rule("first") });
    const engine = await anEngine(config({ directory }));
    const before = engine.revision;
    const gate = Promise.withResolvers<void>();
    const evaluate = WasmPolicy.prototype.evaluate;
    const held = vi.spyOn(WasmPolicy.prototype, "evaluate").mockImplementationOnce(async function (this: WasmPolicy, ...args) {
      const answer = await evaluate.apply(this, args);
      await gate.promise;
      return answer;
    });
    onTestFinished(() => { held.mockRestore(); });
    const open = asks(engine, "exchange", anExchange());
    await writeFile(join(directory, "data.yaml"), rule("second"));
    await engine.reload();
    gate.resolve();
    expect(await open).toMatchObject({ rule: "first", revision: before });
    expect(await asks(engine, "exchange", anExchange())).toMatchObject({ rule: "second", revision: engine.revision });
  });

  test("under load decides each question by exactly one revision, without a failure", async () => {
    const directory = await aFolder({ "data.yaml": rule("v0") });
    const engine = await anEngine(config({ directory, deadlineMs: 5_000 }));
    const ruleOf = new Map<string, Set<string>>();
    let decided = 0;
    let isOver = false;
    const load = async () => {
      while (!isOver) {
        const decision = await asks(engine, "exchange", anExchange());
        decided += 1;
        ruleOf.set(decision.revision, (ruleOf.get(decision.revision) ?? new Set()).add(decision.rule));
        if (decided % 10 === 0) await new Promise(setImmediate);
      }
    };
    const loads = Array.from({ length: 8 }, load);
    for (let version = 1; version <= 15; version += 1) {
      await writeFile(join(directory, "data.yaml"), rule(`v${version}`));
      await engine.reload();
    }
    isOver = true;
    await Promise.all(loads);
    expect(ruleOf.size).toBeGreaterThan(10);
    for (const rules of ruleOf.values()) expect(rules.size).toBe(1);
    expect(new Set([...ruleOf.values()].flatMap((rules) => [...rules])).size).toBe(ruleOf.size);
  });
});
