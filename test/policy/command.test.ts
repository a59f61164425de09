import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { STARTER_POLICY_FILES } from "../../proxy/policy/starter.ts";
import { compiler } from "./compiler.ts";
import { aFolder } from "./folders.ts";
import { weirPolicy } from "./weir-policy.ts";

describe("weir policy", () => {
  test("check says that a folder is fit, or every problem", async () => {
    expect(await weirPolicy("check", await aFolder(STARTER_POLICY_FILES))).toMatchObject({ out: expect.stringContaining("fit; 2 entries, 0 Rego files"), exitCode: 0 });
    await expect(weirPolicy("check", await aFolder({ "data.yaml": "hosts: [{nam: x}]\n" }))).rejects.toMatchObject({ exitCode: 78, message: expect.stringContaining("hosts.0.nam") });
  });

  test.each([["check"], ["test"], ["try", "--host", "a.test", "--policy"]])("%s names the line of a star that is not quoted", async (...command) => {
    const directory = await aFolder({ "data.yaml": "# mine\nhosts:\n  - name: *.example.com\n" });
    await expect(weirPolicy(...command, directory)).rejects.toMatchObject({
      exitCode: 78, message: expect.stringMatching(/data\.yaml: 1 problem\n {2}line 3: \*\.example\.com must be quoted: "\*\.example\.com"/), hint: expect.not.stringContaining("server"),
    });
  });

  test("check tells what is wrong with data, packs and Rego at once, with lines, and what is right is none of it", async (context) => {
    compiler(context);
    const uses = "packs:\n  - pack: pypi\n    access: raed\n";
    const files = { "data.yaml": `hosts:\n  - name: a.test\n    method: [GET]\n`, "mine.rego": "package weir.custom.exchange\n\ndenny contains 1\n" };
    const directory = await aFolder(files);
    await mkdir(join(directory, "packs"));
    await writeFile(join(directory, "packs", "one.yaml"), "one:\n  titel: x\n");
    await writeFile(join(directory, "packs", "two.yaml"), "two: 7\n");
    await expect(weirPolicy("check", directory)).rejects.toMatchObject({ exitCode: 78, message: expect.stringMatching(
      /line 3: hosts\.0\.method: unknown key; did you mean methods\?[^]*one\.yaml: \d problems[^]*line 2: one\.titel: unknown key; did you mean title\?[^]*two\.yaml: 1 problem[^]*mine\.rego:3: nothing uses the rule denny/) });
    await expect(weirPolicy("check", await aFolder({ "data.yaml": uses }))).rejects.toThrow(/line 3: packs\.0\.access: pypi has no level raed/);
    expect(await weirPolicy("check", await aFolder({ "data.yaml": uses.replace("    access: raed\n", ""), "mine.rego": files["mine.rego"].replace("denny", "deny") }))).toMatchObject({ exitCode: 0 });
  });

  test("counts the passed and failed cases, and fails with what was different", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    expect(await weirPolicy("test", directory)).toEqual({ out: "4 cases passed, 0 failed", exitCode: 0 });
    await writeFile(join(directory, "more_test.yaml"), "cases: [{name: it is open, host: evil.test, expect: allow}]\n");
    expect(await weirPolicy("test", directory)).toEqual({
      out: expect.stringMatching(/^FAIL more_test\.yaml:1: it is open\n {5}expected allow, got deny \(connection\) by rule hosts\.default: no entry names the host evil\.test\n {5}hint: .*\n4 cases passed, 1 failed$/), exitCode: 1,
    });
  });

  test("try prints each decision and the hint, and its exit code is the answer", async () => {
    const policy = await aFolder(STARTER_POLICY_FILES);
    expect(await weirPolicy("try", "--policy", policy, "--host", "example.com", "--method", "GET")).toMatchObject({ exitCode: 0, out: expect.stringContaining("allow (exchange) by rule example.read") });
    expect(await weirPolicy("try", "--policy", policy, "--host", "example.com", "--method", "POST", "--path", "/x")).toEqual({
      out: "allow (name) by rule names.default\nallow (connection) by rule example.read\n" +
        "deny (exchange) by rule example.read: method POST is not allowed for example.com\nhint: allowed: GET, HEAD; add POST to the rule's methods", exitCode: 3,
    });
  });

  test("try prints JSON for programs", async () => {
    const { out, exitCode } = await weirPolicy("try", "--policy", await aFolder(STARTER_POLICY_FILES), "--host", "10.0.0.1", "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ decision: { kind: "deny", rule: "addresses.default" }, steps: [{ question: "connection" }] });
    expect(exitCode).toBe(3);
  });

  test("try says what is read of a body, and fails where a person would be asked", async () => {
    const mcp = "mcp: {tools: [{name: write_file, arguments: {path: {within: /workspace}}}]}";
    const policy = await aFolder({ "data.yaml": `hosts: [{name: a.test, rule: files, ${mcp}}, {name: b.test, rule: asked, effect: ask, ask: {reason: May it?}}]\n` });
    const tried = (path: string) => weirPolicy("try", "--policy", policy, "--host", "a.test", "--mcp", JSON.stringify({ tool: "write_file", arguments: { path } }));
    expect(await tried("/workspace/a")).toMatchObject({ exitCode: 0, out: expect.stringContaining("read mcp (exchange) for rule files\nallow (exchange) by rule files") });
    expect(await tried("/etc/a")).toMatchObject({ exitCode: 3, out: expect.stringContaining("argument path of MCP tool write_file at a.test must lie within /workspace") });
    expect(await weirPolicy("try", "--policy", policy, "--host", "b.test", "--method", "GET")).toMatchObject({ exitCode: 3, out: expect.stringContaining("ask (exchange) by rule asked: May it?") });
  });

  test("build into a folder that there is not says so", async () => {
    await expect(weirPolicy("build", await aFolder(STARTER_POLICY_FILES), "-o", "/nowhere/at/all.tar.gz")).rejects.toMatchObject({ exitCode: 1, message: "cannot write /nowhere/at/all.tar.gz: there is no folder /nowhere/at" });
  });

  test("build writes a bundle that try understands", async () => {
    const directory = await aFolder(STARTER_POLICY_FILES);
    const bundle = join(directory, "policy.tar.gz");
    expect(await weirPolicy("build", directory, "-o", bundle)).toMatchObject({ exitCode: 0, out: expect.stringMatching(/revision sha256:[0-9a-f]{16}, \d+ bytes$/) });
    expect(await weirPolicy("try", "--policy", bundle, "--host", "example.com", "--method", "GET")).toMatchObject({ exitCode: 0 });
  });

  test("fmt formats Rego, or says what it would", async (context) => {
    compiler(context);
    const directory = await aFolder({ "a.rego": "package weir.custom.name\ndeny contains {\"rule\":\"x\"} if false\n" });
    expect(await weirPolicy("fmt", directory, "--check")).toEqual({ out: "a.rego", exitCode: 1 });
    expect(await weirPolicy("fmt", directory)).toEqual({ out: "a.rego", exitCode: 0 });
    expect(await readFile(join(directory, "a.rego"), "utf8")).toBe("package weir.custom.name\n\ndeny contains {\"rule\": \"x\"} if false\n");
  });
});

test("eval says what an input lacks, and which words are decisions", async (context) => {
  compiler(context);
  const directory = await aFolder({ ...STARTER_POLICY_FILES, "input.json": "{}" });
  const evaluated = (query: string) => weirPolicy("eval", directory, query, "--input", join(directory, "input.json"));
  await expect(evaluated("exchange")).rejects.toMatchObject({ exitCode: 1, message: expect.not.stringContaining("undefined") });
  await expect(evaluated("bogus")).rejects.toMatchObject({ exitCode: 1, hint: expect.stringContaining("connection, exchange, name") });
  expect(await evaluated("data.weir.custom == 1")).toMatchObject({ out: "undefined" });
});
