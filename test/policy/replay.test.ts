import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { openCandidate } from "../../proxy/policy/replay/candidate.ts";
import { ReplayTotals } from "../../proxy/policy/replay/replay-totals.ts";
import { anInput, aPastDecision } from "../support/past-decisions.ts";

const folders: string[] = [];
const options = { environment: readEnvironment(), announce: () => {} };

afterEach(() => { for (const path of folders.splice(0)) rmSync(path, { recursive: true }); });

function folder(data: object, rego?: string): string {
  const path = mkdtempSync(join(tmpdir(), "weir-replay-"));
  folders.push(path);
  writeFileSync(join(path, "data.json"), JSON.stringify(data));
  if (rego !== undefined) writeFileSync(join(path, "own.rego"), rego);
  return path;
}

const HOSTS = { hosts: [{ name: "api.test", rule: "new.rule" }] };

describe("a policy that is tried on the past", () => {
  test("decides by the library what the data allow, without any doubt about headers", async () => {
    const candidate = await openCandidate(folder(HOSTS), options);
    const past = aPastDecision({}, ["input.request.headers.authorization", "input.request.query.q"]);
    expect(await candidate.replay(past)).toMatchObject({ verdict: "allow", rule: "new.rule", doubts: [] });
    expect(await candidate.replay({ ...past, input: anInput({ request: { ...anInput().request!, method: "POST" } }) })).toMatchObject({ verdict: "deny", doubts: [] });
  });

  test("doubts an argument that the data name, and no other", async () => {
    const candidate = await openCandidate(folder({ hosts: [{ name: "api.test", methods: ["POST"], mcp: { tools: [{ name: "write", arguments: { path: { within: "/workspace" } } }] } }] }), options);
    const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: {}, prompt: null, uri: null, is_listing: false } as const;
    const input = anInput({ request: { ...anInput().request!, method: "POST" }, mcp, read: { mcp: null } });
    expect((await candidate.replay(aPastDecision({ input }, ["input.mcp.arguments.path"]))).doubts).toEqual(["input.mcp.arguments.path is not recorded"]);
    expect((await candidate.replay(aPastDecision({ input: { ...input, mcp: { ...mcp, arguments: { path: "/workspace/a" } } } }, ["input.mcp.arguments.text"]))))
      .toMatchObject({ verdict: "allow", doubts: [] });
  });

  test.each(["order", "name", "paths", "rule", "arguments", "allowed"])("takes no word of the data for an argument that they name: %s", async (argument) => {
    const candidate = await openCandidate(folder({ hosts: [{ name: "api.test", methods: ["POST"], rule: "allowed", mcp: { tools: [{ name: "write", arguments: { path: { within: "/workspace" } } }, "read"] } }] }), options);
    const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "read", arguments: {}, prompt: null, uri: null, is_listing: false } as const;
    const input = anInput({ request: { ...anInput().request!, method: "POST" }, mcp, read: { mcp: null } });
    expect(await candidate.replay(aPastDecision({ input }, [`input.mcp.arguments.${argument}`]))).toMatchObject({ verdict: "allow", rule: "allowed", doubts: [] });
  });

  test("doubts the header that its Rego refers to, and no other", async () => {
    const candidate = await openCandidate(folder(HOSTS, [
      "package weir.custom.exchange", "", "deny contains {\"rule\": \"own.tag\", \"reason\": \"r\", \"hint\": \"h\"} if input.request.headers[\"x-tag\"] == \"no\"", "",
    ].join("\n")), options);
    expect((await candidate.replay(aPastDecision({}, ["input.request.headers.cookie"]))).doubts).toEqual([]);
    expect((await candidate.replay(aPastDecision({}, ['input.request.headers["x-tag"]']))).doubts).toHaveLength(1);
  });

  test("doubts everything that Rego may reach by a name it makes up", async () => {
    const candidate = await openCandidate(folder(HOSTS, [
      "package weir.custom.exchange", "", "deny contains {\"rule\": \"own.tag\", \"reason\": \"r\", \"hint\": \"h\"} if {", "\tsome name", "\tinput.request[name].cookie == \"no\"", "}", "",
    ].join("\n")), options);
    expect((await candidate.replay(aPastDecision({}, ["input.request.headers.cookie"]))).doubts).toHaveLength(1);
    expect((await candidate.replay(aPastDecision({}, ["input.request.headers.other"]))).doubts).toEqual([]);
  });

  test("asks for the time that it was then", async () => {
    const candidate = await openCandidate(folder(HOSTS, [
      "package weir.custom.exchange", "", "deny contains {\"rule\": \"own.year\", \"reason\": \"r\", \"hint\": \"h\"} if time.date(time.now_ns())[0] == 2026", "",
    ].join("\n")), options);
    expect(await candidate.replay(aPastDecision())).toMatchObject({ verdict: "deny", rule: "own.year" });
    const earlier = anInput({ time: "2025-11-01T00:00:00.000Z" });
    expect(await candidate.replay(aPastDecision({ input: earlier }))).toMatchObject({ verdict: "allow" });
  });

  test("is counted by what it would change, with examples", async () => {
    const candidate = await openCandidate(folder(HOSTS), options);
    const totals = new ReplayTotals();
    totals.add(await candidate.replay(aPastDecision()));
    totals.add(await candidate.replay(aPastDecision({ verdict: "deny", id: "x-2" })));
    totals.add(await candidate.replay(aPastDecision({ input: null })));
    const report = totals.report(candidate.revision, candidate.basis);
    expect(report).toMatchObject({ decisions: 3, unchanged: 1, otherRule: 1, withoutInput: 1, newly: { allow: { total: 1, rules: { old: 1 }, agents: { "local/coder": 1 }, examples: [{ id: "x-2" }] }, deny: { total: 0 } } });
  });
});
