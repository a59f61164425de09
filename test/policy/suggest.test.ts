import { describe, expect, test } from "vitest";
import { policyData } from "../../proxy/policy/data.ts";
import { candidateOf, readPolicy, withEntries } from "../../proxy/policy/replay/candidate.ts";
import type { PastDecision } from "../../proxy/policy/replay/past-decision.ts";
import { Suggestions, type Suggestion } from "../../proxy/policy/replay/suggestions.ts";
import { anInput, aPastDecision } from "../support/past-decisions.ts";

const options = { environment: {}, announce: () => {} };
const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: {}, prompt: null, uri: null, is_listing: false } as const;

function denied(method: string, path: readonly string[], over: Partial<ReturnType<typeof anInput>> = {}, rule = "hosts.default"): PastDecision {
  return aPastDecision({ verdict: "deny", rule, id: `${method}-${path.join("-")}`, input: anInput({ request: { ...anInput().request!, method, path }, ...over }) });
}

/** What is proposed against data, as the command finds it. */
async function proposed(data: object, denials: readonly PastDecision[]): Promise<{ readonly list: readonly Suggestion[]; readonly final: object }> {
  const policy = await readPolicy(policyData.parse(data), options);
  if (policy.folder === null) throw new Error("data are a folder");
  const suggestions = new Suggestions();
  for (const past of denials) suggestions.add(past);
  const candidate = await candidateOf(withEntries({ ...policy, folder: policy.folder }, suggestions.proposed()), options);
  for (const past of denials) suggestions.tried(await candidate.replay(past));
  return { list: suggestions.list(), final: suggestions.final };
}

describe("entries proposed from denials", () => {
  test("merge methods and paths of one agent to one host, identifiers as `*`, and are checked", async () => {
    const { list } = await proposed({}, [
      denied("GET", ["repos", "12", "issues"]), denied("POST", ["repos", "34", "issues"]), denied("GET", ["v1", "7b9c1d34-0a1b-4c2d-8e3f-1234567890ab"]),
    ]);
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({
      section: "hosts", denials: 3, allows: 3, alsoAllows: 0, opens: ["any segment in the place of each `*`"],
      entry: { name: "api.test", agents: ["local/coder"], methods: ["GET", "POST"], paths: ["/repos/*/issues", "/v1/*"] },
    });
    policyData.parse({ hosts: [list[0]!.entry] });
  });

  test("name tools, and their arguments where they are recorded", async () => {
    const calls = ["/workspace/a", "/workspace/b"].map((path) => denied("POST", ["mcp"], { mcp: { ...mcp, arguments: { path } }, read: { mcp: null } }));
    const { list } = await proposed({ hosts: [{ name: "api.test", methods: ["POST"], mcp: { tools: ["read"] } }] }, [...calls, denied("POST", ["mcp"], { mcp: { ...mcp, tool: "list" }, read: { mcp: null } })]);
    expect(list[0]?.entry).toMatchObject({ mcp: { tools: ["list", { name: "write", arguments: { path: { one_of: ["/workspace/a", "/workspace/b"] } } }] } });
    expect(list[0]).toMatchObject({ denials: 3, allows: 3, opens: ["tools with arguments that are not named here: list"] });
  });

  test("say which other denials they would allow", async () => {
    const other = { ...denied("GET", ["v1", "2"]), id: "other", agent: "local/coder" };
    const socket = anInput({ request: { ...anInput().request!, upgrade: "websocket" } });
    const { list } = await proposed({}, [denied("GET", ["v1", "1"]), { ...other, input: { ...socket, request: { ...socket.request!, upgrade: null, path: ["v1", "3"] }, mcp: { ...mcp }, read: { mcp: null } } }]);
    expect(list.map(({ alsoExample }) => alsoExample)).toContain("other");
  });

  test("are never made around final rules", async () => {
    const { list, final } = await proposed({}, [denied("GET", [], {}, "names.metadata"), denied("GET", [], {}, "names.hide"), denied("GET", [], {}, "grants.not-held")]);
    expect(list).toEqual([]);
    expect(final).toEqual({ "names.metadata": 1, "names.hide": 1, "grants.not-held": 1 });
  });

  test("allow nothing that an entry with effect deny refuses, and show it", async () => {
    const { list } = await proposed({ hosts: [{ name: "api.test", effect: "deny", rule: "never" }] }, [denied("GET", ["v1"], {}, "never")]);
    expect(list).toMatchObject([{ denials: 1, allows: 0 }]);
  });

  test("come from a name alone only where nothing more is known of the host", async () => {
    const name = aPastDecision({ verdict: "deny", rule: "hosts.default", question: "name", input: { version: 1, agent: anInput().agent, budgets: {}, time: anInput().time, dns: { name: "api.test", type: "A" } } });
    expect((await proposed({}, [name])).list).toMatchObject([{ entry: { name: "api.test" }, allows: 1, opens: [expect.stringContaining("narrow it")] }]);
    expect((await proposed({}, [name, denied("GET", ["a"])])).list).toMatchObject([{ entry: { paths: ["/a"] }, allows: 2 }]);
  });
});
