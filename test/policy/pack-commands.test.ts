import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { policyConfig } from "../../proxy/policy/config.ts";
import { listPolicyFiles } from "../../proxy/policy/policy-folder.ts";
import { STARTER_POLICY_FILES } from "../../proxy/policy/starter.ts";
import { compiler } from "./compiler.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { anExchange } from "./questions.ts";
import { weirPolicy } from "./weir-policy.ts";

describe("weir policy packs", () => {
  test("lists the packs with their levels", async () => {
    const { out, exitCode } = await weirPolicy("packs");
    expect(out).toMatch(/^PACK +FOR +LEVELS$/m);
    expect(out).toMatch(/^github +GitHub +read, issues, write, merge, release, graphql-read, mcp-read$/m);
    expect(exitCode).toBe(0);
  });

  test("shows one with lines for data.yaml that a policy takes as they are", async () => {
    const { out } = await weirPolicy("packs", "github", "--access", "merge");
    expect(out).toMatch(/^github\.merge +api\.github\.com +PUT POST +api +merge a pull request or a branch$/m);
    const [, lines = ""] = out.split("For data.yaml\n");
    expect(parse(lines)).toMatchObject({ packs: [{ pack: "github", access: "merge", grants: { api: "github", git: "github-git" }, with: { repositories: ["acme/app", "acme-docs/*"] } }] });
    expect(await weirPolicy("check", await aFolder({ "data.yaml": lines }))).toMatchObject({ exitCode: 0, out: expect.stringContaining("(with 1 pack: github)") });
  });

  test("prints JSON for programs", async () => {
    const listed = JSON.parse((await weirPolicy("packs", "-o", "json")).out) as readonly { name: string; shipped: boolean }[];
    expect(listed.map(({ name, shipped }) => [name, shipped])).toContainEqual(["slack", true]);
    expect(JSON.parse((await weirPolicy("packs", "pypi", "-o", "json")).out)).toMatchObject({ name: "pypi", levels: [{ name: "install" }, { name: "publish" }], example: { pack: "pypi", access: "install" } });
  });

  test("says which there are if there is no such pack or level", async () => {
    await expect(weirPolicy("packs", "gihub")).rejects.toMatchObject({ exitCode: 2, hint: expect.stringContaining("github") });
    await expect(weirPolicy("packs", "pypi", "--access", "admin")).rejects.toMatchObject({ exitCode: 2, hint: "It has install, publish." });
  });
});

describe("weir policy new-pack", () => {
  test("writes a pack that passes its tests, is listed and can be taken up", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    expect((await weirPolicy("new-pack", "tracker", "--host", "tracker.test", "-d", directory)).out).toContain(join(directory, "packs/tracker_test.yaml"));
    expect(await weirPolicy("test", directory)).toEqual({ out: "9 cases passed, 0 failed", exitCode: 0 });
    expect((await weirPolicy("packs", "-d", directory)).out).toMatch(/^tracker +tracker +read, write$/m);
    await writeFile(join(directory, "data.yaml"), "packs: [{pack: tracker, access: write, grants: [key]}]\n");
    expect(await weirPolicy("try", "--policy", directory, "--host", "tracker.test", "--method", "POST", "--path", "/v1/items")).toMatchObject({ exitCode: 0, out: expect.stringContaining("by rule tracker.write\nlends: key") });
  });

  test("overwrites nothing, and takes neither a bad name, a bad host nor a shipped pack's name", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    const write = (name: string, host = "tracker.test", folder = directory) => weirPolicy("new-pack", name, "--host", host, "-d", folder);
    await write("tracker");
    await expect(write("tracker")).rejects.toMatchObject({ message: expect.stringContaining("already there") });
    await expect(write("Tracker")).rejects.toMatchObject({ exitCode: 2 });
    await expect(write("other", "https://tracker.test")).rejects.toMatchObject({ exitCode: 2 });
    await expect(write("github")).rejects.toMatchObject({ message: "a pack github comes with Weir" });
    await expect(write("other", "tracker.test", join(directory, "none"))).rejects.toMatchObject({ message: expect.stringContaining("there is no policy folder") });
  });

  test("is told what its pack does wrong when it is tested", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    await weirPolicy("new-pack", "tracker", "--host", "tracker.test", "-d", directory);
    const file = join(directory, "packs/tracker.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace("[POST, PATCH]", "[POST, PATCH, DELETE]"));
    expect(await weirPolicy("test", directory)).toMatchObject({ exitCode: 1, out: expect.stringContaining("FAIL packs/tracker_test.yaml:30 (access: write): an item is not deleted\n     expected deny, got allow") });
    await writeFile(file, text.replace("methods:", "metods:"));
    await expect(weirPolicy("test", directory)).rejects.toMatchObject({ exitCode: 78, message: expect.stringMatching(/line \d+: tracker\.read: unknown key metods/) });
  });
});

test("a pack of a folder cannot have the name of a shipped one", async () => {
  const directory = await aFolder({ "data.yaml": "{}\n" });
  await mkdir(join(directory, "packs"));
  await writeFile(join(directory, "packs/github.yaml"), "github: {}\n");
  await expect(weirPolicy("check", directory)).rejects.toMatchObject({ message: `${join(directory, "packs/github.yaml")}: a pack github comes with Weir` });
});

test("a changed pack of a folder comes into force, and one with a mistake leaves the last good policy", async () => {
  const directory = await aFolder(STARTER_POLICY_FILES);
  await weirPolicy("new-pack", "tracker", "--host", "tracker.test", "-d", directory);
  await writeFile(join(directory, "data.yaml"), "packs: [{pack: tracker}]\n");
  const engine = await anEngine(policyConfig.parse({ directory }));
  const reading = async () => (await asks(engine, "exchange", anExchange({ connection: { name: "tracker.test" }, request: { path: ["v1", "items"] } }))).kind;
  const text = await readFile(join(directory, "packs/tracker.yaml"), "utf8");
  expect([await listPolicyFiles(directory), await reading()]).toEqual([["data.yaml", "packs/tracker.yaml"], "allow"]);
  await writeFile(join(directory, "packs/tracker.yaml"), text.replace("/v1/items/**", "/v2/items/**"));
  await engine.reload();
  expect(await reading()).toBe("deny");
  await writeFile(join(directory, "packs/tracker.yaml"), "tracker: {}\n");
  await engine.reload();
  expect(await reading()).toBe("deny");
});

describe("weir policy eval", () => {
  const INPUT = JSON.stringify(anExchange({ connection: { name: "example.com" } }));

  test("answers a decision as the boundary would, by either engine", async (context) => {
    compiler(context);
    const directory = await aFolder({ ...STARTER_POLICY_FILES, "input.json": INPUT });
    const byWasm = await weirPolicy("eval", directory, "exchange", "-i", join(directory, "input.json"), "-o", "json");
    const byOpa = await weirPolicy("eval", directory, "weir/exchange/decision", "-i", join(directory, "input.json"), "--engine", "opa", "-o", "json");
    expect(JSON.parse(byWasm.out)).toMatchObject({ engine: "wasm", value: { allow: true, rule: "example.read" } });
    expect((JSON.parse(byOpa.out) as { value: unknown }).value).toEqual((JSON.parse(byWasm.out) as { value: unknown }).value);
  });

  test("answers any query by opa, and exits 1 for undefined", async (context) => {
    compiler(context);
    const directory = await aFolder({ ...STARTER_POLICY_FILES, "input.json": INPUT });
    expect(await weirPolicy("eval", directory, "count(input.request.path) + 1", "-i", join(directory, "input.json"))).toEqual({ out: "3", exitCode: 0 });
    expect(await weirPolicy("eval", directory, "data.weir.nothing", "-i", join(directory, "input.json"))).toEqual({ out: "undefined", exitCode: 1 });
    await expect(weirPolicy("eval", directory, "data.weir[", "-i", join(directory, "input.json"))).rejects.toMatchObject({ exitCode: 1, message: expect.stringContaining("opa cannot evaluate data.weir[") });
  });

  test("refuses a query that wasm does not know, and an input that is none", async () => {
    const directory = await aFolder({ ...STARTER_POLICY_FILES, "input.json": "[" });
    await expect(weirPolicy("eval", directory, "exchange", "-i", join(directory, "input.json"))).rejects.toMatchObject({ exitCode: 2 });
    await writeFile(join(directory, "input.json"), INPUT);
    await expect(weirPolicy("eval", directory, "data.x", "-i", join(directory, "input.json"), "--engine", "wasm")).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining("wasm answers connection, exchange, name") });
  });
});

test("weir policy test --coverage says how much of the Rego its tests reach, and where they do not", async (context) => {
  compiler(context);
  const directory = await aFolder({
    "mine.rego": "package weir.custom.name\n\ndeny contains {\"rule\": \"mine\", \"reason\": \"r\", \"hint\": \"h\"} if input.dns.name == \"a.test\"\n\ndeny contains {\"rule\": \"other\", \"reason\": \"r\", \"hint\": \"h\"} if {\n\tinput.dns.name == \"b.test\"\n}\n",
    "mine_test.rego": "package mine_test\n\nimport data.weir.custom.name\n\ntest_mine if count(name.deny) == 1 with input as {\"dns\": {\"name\": \"a.test\"}}\n",
  });
  const { out, exitCode } = await weirPolicy("test", directory, "--coverage");
  expect(out).toMatch(/^mine\.rego: no test reaches line \d/m);
  expect(out).toMatch(/^\d+\.\d % of the Rego is reached by its tests$/m);
  expect(exitCode).toBe(0);
});
