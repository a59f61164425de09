import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { accessConfig } from "../../controller/access/config.ts";
import type { Caller, Question } from "../../controller/access/access.ts";
import { accessInputOf } from "../../controller/access/access-input.ts";
import { openAccessPolicy } from "../../controller/access/access-policy.ts";
import { runOpa } from "../../proxy/policy/opa.ts";
import { librarySources } from "../../proxy/policy/shipped-files.ts";
import { accessInputSchema, compileAccessPolicy, wasmOf } from "../../scripts/access-policy.ts";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";

const ACCESS = join(librarySources(), "access");
const config = accessConfig.parse({});
const eve: Caller = { kind: "person", name: "eve", groups: ["team"], isOfKubernetes: true };
const relations = [{ relation: "participant", subject: "group:team" }] as const;

describe("the policy of access", () => {
  test("passes its own tests, and every rule of it is covered", async (context) => {
    const opa = compiler(context);
    expect(await runOpa(opa, ["test", ACCESS])).toMatchObject({ exitCode: 0 });
    const { coverage } = JSON.parse((await runOpa(opa, ["test", "--coverage", "--format", "json", ACCESS])).stdout) as { coverage: number };
    expect(coverage).toBe(100);
  });

  test("is formatted", async (context) => {
    expect((await runOpa(compiler(context), ["fmt", "--list", ACCESS])).stdout.trim()).toBe("");
  });

  test("is compiled as it is checked in; `node scripts/build-policy.ts` writes it", async (context) => {
    const { wasm } = await compileAccessPolicy(compiler(context), librarySources());
    expect(wasm.equals(await wasmOf(await readFile(join(librarySources(), "dist/access/bundle.tar.gz"))))).toBe(true);
  });

  test("needs nothing of the controller: what OPA leaves to its host, or has wrong in WebAssembly, does not compile", async (context) => {
    const opa = compiler(context);
    const folder = await aFolder({});
    await mkdir(join(folder, "access"));
    const written = (call: string) => writeFile(join(folder, "access", "access.rego"), `package weir.access\n\ndecision := ${call}\n`);
    for (const call of ['sprintf("%s", [input.action])', 'replace(input.action, "", "x")']) {
      await written(call);
      await expect(compileAccessPolicy(opa, folder)).rejects.toThrow(/access\.rego:3: .*undefined function/);
    }
    await written('concat("", [input.action])');
    expect((await compileAccessPolicy(opa, folder)).revision).toMatch(/^sha256:/);
  });

  test("has the input's schema as it is checked in", async () => {
    expect(await readFile(join(librarySources(), "schemas/access/input.json"), "utf8")).toBe(accessInputSchema());
  });

  test("answers the questions of the controller in WebAssembly as OPA does", async (context) => {
    const opa = compiler(context);
    const policy = await openAccessPolicy();
    const questions: Question[] = [
      { action: "agent.open", namespace: "ns", agent: { name: "a", grants: ["g"], relations }, grants: ["g", "h"] },
      { action: "agent.open", namespace: "ns", agent: { name: "a", grants: ["g"], relations } },
      { action: "thread.read", namespace: "ns", thread: { name: "t", uid: "u", parentUid: null, relations }, agent: { name: "a", grants: [], relations: [] } },
      { action: "thread.delete", namespace: "ns", thread: { name: "t", uid: "", parentUid: null, relations: [] } },
      { action: "namespace.list", namespace: "ns" },
      { action: "thread.share", namespace: "ns", thread: { name: "t", uid: "u", parentUid: null, relations }, change: { relation: "owner", subject: "user:eve", remove: true } },
    ];
    const thread = { uid: "u", name: "t", user: "eve", chain: [], grants: null, allowance: null, chainAllowances: [] };
    const parent: Caller = { kind: "instance", namespace: "ns", pod: "p", podUid: "1", node: "n", agent: "lead", container: null, thread };
    const spawning = { agent: "helper", right: { grants: ["g"] }, isStartable: true, heldByChild: ["g"], narrowedTo: null, depth: 1 };
    const spawns = [spawning, { ...spawning, depth: 17 }, { ...spawning, right: null }, { ...spawning, isStartable: false }, { ...spawning, heldByChild: [] }];
    const asked: [Caller, Question][] = questions.map((question) => [eve, question]);
    asked.push(...spawns.map((spawn): [Caller, Question] => [parent, { action: "instance.spawn", namespace: "ns", grants: ["g"], spawn }]));
    for (const [caller, question] of asked) {
      const input = accessInputOf(caller, question, config, false);
      const folder = await aFolder({ "input.json": JSON.stringify(input) });
      const run = await runOpa(opa, ["eval", "--format", "raw", "--input", join(folder, "input.json"), "-d", ACCESS, "data.weir.access.decision"]);
      expect(await policy(input), question.action).toEqual(JSON.parse(run.stdout));
    }
  });
});
