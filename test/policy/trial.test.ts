import { describe, expect, test } from "vitest";
import { describeStep, runCases } from "../../proxy/policy/cases.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { parseTrial, runTrial } from "../../proxy/policy/trial.ts";
import { anEngine } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { trialsAt } from "../support/trial-context.ts";

const NOW = trialsAt(new Date("2026-01-01T00:00:00Z"));
const DATA = {
  hosts: [
    { name: "mcp.test", rule: "files", mcp: { tools: ["read_file", { name: "write_file", arguments: { path: { within: "/workspace" } } }] }, grants: ["files"] },
    { name: "mcp.test", rule: "files.delete", effect: "ask", ask: { reason: "May it delete?" }, mcp: { tools: ["delete_file"] }, grants: ["files"] },
    { name: "git.test", rule: "git", git: { repositories: ["acme/*"] } },
    { name: "denied.test", rule: "no-large", effect: "deny", llm: { models: ["Large*"] } },
    { name: "denied.test", rule: "no-search", effect: "deny", llm: { tools: ["web_search*", "mcp:evil.*"] } },
    { name: "denied.test", rule: "models", methods: ["POST"] },
    { name: "background.test", rule: "waiting", llm: { models: ["small-*"] }, json: { "/background": { one_of: [false], optional: true } } },
    { name: "keys.test", rule: "no-admin", effect: "deny", paths: ["/denied"], json: { "/admin": { one_of: [true] } } },
    { name: "keys.test", rule: "keys", methods: ["POST"], paths: ["/denied"] },
    { name: "keys.test", rule: "optional", paths: ["/optional"], json: { "/channel": { one_of: ["#agents"], optional: true } } },
    { name: "keys.test", rule: "files", paths: ["/mcp"], mcp: { tools: [{ name: "read", arguments: { path: { within: "/workspace", optional: true } } }] } },
    { name: "lfs.test", rule: "fetch", methods: ["POST"], paths: ["/acme/app.git/info/lfs/objects/batch"], json: { "/operation": { one_of: ["download"] } } },
    { name: "forge.test", rule: "no-secret", effect: "deny", git: { repositories: ["acme/secret"] } },
    { name: "forge.test", rule: "no-push", effect: "deny", git: { access: "write" } },
    { name: "forge.test", rule: "app", git: { access: "write", repositories: ["acme/app"] } },
    { name: "forge.test", rule: "all", methods: ["*"] },
    { name: "grpc.test", rule: "grpc", grpc: ["acme.Items/Get"] },
    { name: "llm.test", rule: "llm", llm: { models: ["small-*"] } },
    { name: "db.test", rule: "tunnel", effect: "ask", ask: { reason: "May it connect?" }, ports: [22], handling: "tunnel" },
  ],
};
const engine = await anEngine(policyConfig.parse({ data: policyData.parse(DATA) }));

async function tried(asked: Readonly<Record<string, unknown>>): Promise<string[]> {
  return (await runTrial(engine, parseTrial(asked), NOW)).filter(({ question }) => question !== "name").map(describeStep);
}

describe("a trial", () => {
  test("tells policy what it asks to see of the body", async () => {
    expect(await tried({ host: "mcp.test", mcp: { tool: "write_file", arguments: { path: "/workspace/a" } } })).toEqual([
      "allow (connection) by rule files", "read mcp (exchange) for rule files", "allow (exchange) by rule files",
    ]);
    expect((await tried({ host: "mcp.test", mcp: { tool: "write_file", arguments: { path: "/etc/passwd" } } })).at(-1)).toContain("must lie within /workspace");
    expect((await tried({ host: "llm.test", llm: { model: "small-1" } })).at(-1)).toBe("allow (exchange) by rule llm");
    expect((await tried({ host: "llm.test", llm: { model: "large" } })).at(-1)).toContain("model large is not allowed");
  });

  test("of which nothing is said is one that could not be read", async () => {
    expect((await tried({ host: "llm.test", method: "POST" })).at(-1)).toContain("the trial says nothing of `llm`");
  });

  test("knows Git by its path and gRPC by its content type", async () => {
    expect((await tried({ host: "git.test", method: "GET", path: "/acme/app.git/info/refs?service=git-upload-pack" })).at(-1)).toBe("allow (exchange) by rule git");
    expect((await tried({ host: "git.test", method: "POST", path: "/acme/app/git-receive-pack" })).at(-1)).toContain("pushing to repository acme/app");
    const headers = { "content-type": "application/grpc+proto" };
    expect((await tried({ host: "grpc.test", method: "POST", path: "/acme.Items/Get", headers })).at(-1)).toBe("allow (exchange) by rule grpc");
    expect((await tried({ host: "grpc.test", method: "POST", path: "/acme.Items/Put", headers })).at(-1)).toContain("gRPC method acme.Items/Put is not allowed");
  });

  test("ends where a person would be asked", async () => {
    expect((await tried({ host: "mcp.test", mcp: { tool: "delete_file" } })).at(-1)).toBe("ask (exchange) by rule files.delete: May it delete?");
    expect((await tried({ host: "db.test", port: 22, wire: "opaque" })).at(-1)).toBe("ask (connection) by rule tunnel: May it connect?");
  });
});

describe("what is said of a request", () => {
  const said = [["a path", { path: "/acme/x" }, "--path"], ["a header", { headers: { accept: "text/plain" } }, "--headers"], ["a WebSocket", { websocket: true }, "--websocket"]] as const;

  test.each(said)("needs one that is asked about: %s without a method is an error", async (_what, asked, option) => {
    expect(() => parseTrial({ host: "forge.test", ...asked })).toThrow(`${option}: belongs to a request, and without a method none is asked about`);
    const folder = await aFolder({ "a_test.yaml": JSON.stringify({ cases: [{ name: "open", host: "forge.test", expect: "allow", ...asked }] }) });
    await expect(runCases(folder, engine, NOW)).rejects.toThrow("without a method none is asked about");
  });

  test("is asked about with a method, or with what is said of the body", async () => {
    expect(await tried({ host: "forge.test", method: "GET", path: "/acme/x" })).toHaveLength(2);
    expect((await tried({ host: "mcp.test", path: "/mcp", mcp: { tool: "read_file" } })).at(-1)).toBe("allow (exchange) by rule files");
    expect(await tried({ host: "forge.test" })).toEqual(["allow (connection) by rule app"]);
  });
});

describe("the head of a trial is read as the boundary reads that of a request", () => {
  test.each([
    ["dot segments", { path: "/x/../acme/app/git-receive-pack" }], ["a slash behind it", { path: "/acme/app.git/git-receive-pack/" }], ["other capitals", { path: "/acme/app/Git-Receive-Pack" }],
  ])("a push is one through %s", async (_what, asked) => {
    expect((await tried({ host: "git.test", method: "POST", ...asked })).at(-1)).toMatch(/^deny \(exchange\) by rule git: pushing to repository acme\/app/);
  });

  test("what it refuses before it asks is said to be refused, and asked where it is configured to be kept", async () => {
    for (const path of ["/a%2fb", "/a%5cb", "/a?_method=DELETE"]) expect((await tried({ host: "git.test", method: "POST", path })).at(-1)).toMatch(/^deny \(exchange\) by rule request\.malformed/);
    expect((await tried({ host: "git.test", method: "POST", path: "/a%2fb", encoded_slash: "keep" })).at(-1)).toMatch(/^deny \(exchange\) by rule git/);
  });

  test("a method of gRPC is known by its content type, whatever its field's capitals", async () => {
    const asked = { host: "grpc.test", method: "POST", path: "/acme.Items/Get" };
    expect((await tried({ ...asked, headers: { "Content-Type": "application/grpc" } })).at(-1)).toBe("allow (exchange) by rule grpc");
    expect((await tried({ ...asked, headers: { "content-type": "application/json" } })).at(-1)).toMatch(/^deny/);
  });
});

describe("a repository of Git is one, however it is written", () => {
  const decided = async (method: string, path: string) => (await tried({ host: "forge.test", method, path })).at(-1);

  test.each([
    ["GET", "/ACME/Secret.git/info/refs?service=git-upload-pack"], ["POST", "//acme/x/%2e%2e/secret/git-upload-pack/"], ["POST", "/acme/secret/.git/git-upload-pack"],
    ["POST", "/acme/secret/git-upload-archive"], ["GET", "/acme/secret.GIT/info/refs"], ["GET", "/acme/secret.git/objects/ab/cd"],
    ["POST", "/acme/secret.git/info/lfs/objects/batch"], ["GET", "/acme/secret.git.git/HEAD"], ["GET", "/acme/secret/.GIT/packed-refs"],
  ])("a deny of it covers %s %s", async (method, path) => { expect(await decided(method, path)).toMatch(/^deny \(exchange\) by rule no-secret/); });

  test.each([
    ["POST", "/acme/app/git-receive-pack"], ["PUT", "/acme/app.git/refs/heads/main"], ["PUT", "/acme/app/objects/ab/cd"], ["POST", "/acme/app.git/info/lfs/objects/batch"],
    ["GET", "/acme/app/info/refs?SERVICE[]=git-receive-pack"],
  ])("a deny of pushes covers %s %s", async (method, path) => { expect(await decided(method, path)).toMatch(/^deny \(exchange\) by rule no-push/); });

  test.each([["POST", "/acme/app.GIT/git-upload-pack"], ["POST", "/acme/app.git.git/git-upload-pack"]])("what may be another is refused: %s %s", async (method, path) => {
    expect(await decided(method, path)).toMatch(/^deny \(exchange\) by rule request\.malformed/);
  });

  test("an allow covers it in its own capitals alone, in the writings of clients", async () => {
    for (const path of ["/acme/app/git-upload-pack", "/acme/app.git/git-upload-pack", "/acme/app/.git/git-upload-pack"]) expect(await decided("POST", path)).toBe("allow (exchange) by rule app");
    for (const path of ["/acme/App/git-upload-pack", "/acme/app2/git-upload-pack", "/acme/app/x/git-upload-pack"]) expect(await decided("POST", path)).toBe("allow (exchange) by rule all");
  });

  test("large files are fetched and not pushed by what the body says", async () => {
    const asked = { host: "lfs.test", method: "POST", path: "/acme/app.git/info/lfs/objects/batch" };
    expect((await tried({ ...asked, json: { operation: "download", objects: [] } })).at(-1)).toBe("allow (exchange) by rule fetch");
    expect((await tried({ ...asked, json: { operation: "upload", objects: [] } })).at(-1)).toMatch(/^deny \(exchange\) by rule fetch/);
  });
});

describe("a request to a model is judged by what it says of models and tools", () => {
  const decided = async (host: string, llm: object) => (await tried({ host, llm: { model: "small-1", ...llm } })).at(-1);

  test.each([
    ["the model", { model: "large" }], ["the model at a gateway", { model: "Acme/LARGE:nitro" }], ["the model behind a region", { model: "us.acme.large-v1:0" }],
    ["a tool", { tools: ["read", "Web_Search_20250305"] }], ["a server of MCP", { tools: ["mcp", "mcp:evil.example.com"] }],
    ["a router in the model's place", { model: "router", unread: ["model"] }],
  ])("a deny covers %s", async (_what, llm) => { expect(await decided("denied.test", llm)).toMatch(/^deny \(exchange\) by rule no-/); });

  test("and nothing else", async () => {
    expect(await decided("denied.test", { tools: ["read", "code_execution", "mcp:good.example.com"] })).toBe("allow (exchange) by rule models");
  });

  test("an entry may speak of the rest of its body too", async () => {
    const asked = { host: "background.test", llm: { model: "small-1" } };
    expect((await tried({ ...asked, json: { background: false } })).at(-1)).toBe("allow (exchange) by rule waiting");
    expect((await tried({ ...asked, json: { background: true } })).at(-1)).toMatch(/^deny \(exchange\) by rule waiting/);
  });
});

describe("a body that says the same in another writing of a key", () => {
  test.each(["Admin", "ADMIN", "ad_min", "ad-min"])("is covered by a deny: %s", async (key) => {
    expect((await tried({ host: "keys.test", path: "/denied", json: { [key]: true } })).at(-1)).toMatch(/^deny \(exchange\) by rule no-admin/);
    expect((await tried({ host: "keys.test", path: "/denied", json: { [`${key}istrator`]: true } })).at(-1)).toBe("allow (exchange) by rule keys");
  });

  test("is not covered by an allow, though the key may be absent", async () => {
    expect((await tried({ host: "keys.test", path: "/optional", json: {} })).at(-1)).toBe("allow (exchange) by rule optional");
    expect((await tried({ host: "keys.test", path: "/optional", json: { Channel: "#board" } })).at(-1)).toMatch(/^deny \(exchange\) by rule optional/);
    const call = (values: object) => tried({ host: "keys.test", path: "/mcp", mcp: { tool: "read", arguments: values } });
    expect((await call({})).at(-1)).toBe("allow (exchange) by rule files");
    expect((await call({ Path: "/etc/passwd" })).at(-1)).toMatch(/^deny \(exchange\) by rule files/);
  });
});

test("cases say what is read, and that a person is asked", async () => {
  const folder = await aFolder({ "a_test.yaml": `cases:
  - {name: reading is free, host: mcp.test, mcp: {tool: read_file}, expect: allow, grants: [files]}
  - {name: deleting is asked, host: mcp.test, mcp: {tool: delete_file}, expect: ask, rule: files.delete, grants: [files]}
  - {name: it is hidden, host: mcp.test, mcp: {tool: format_disk, is_listing: true}, expect: deny}
  - {name: this is wrong, host: mcp.test, mcp: {tool: delete_file}, expect: allow}
` });
  const results = await runCases(folder, engine, NOW);
  const wrong = "expected allow, got ask (exchange) by rule files.delete: May it delete?\n     hint: Wait for it, or do something else.";
  expect(results.map(({ failure }) => failure)).toEqual([null, null, null, wrong]);
});
