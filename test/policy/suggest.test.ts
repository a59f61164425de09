import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { policyData } from "../../proxy/policy/data.ts";
import { readPlace } from "../../proxy/policy/places.ts";
import { candidateOf, readPolicy, withEntries, type Candidate } from "../../proxy/policy/replay/candidate.ts";
import type { PastDecision } from "../../proxy/policy/replay/past-decision.ts";
import { Suggestions, type Suggestion } from "../../proxy/policy/replay/suggestions.ts";
import { anInput, aPastDecision } from "../support/past-decisions.ts";

const options = { environment: {}, announce: () => {} };
const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: {}, prompt: null, uri: null, is_listing: false } as const;

function denied(method: string, path: readonly string[], over: Partial<ReturnType<typeof anInput>> = {}, rule = "hosts.default"): PastDecision {
  return aPastDecision({ verdict: "deny", rule, id: `${method}-${path.join("-")}`, input: anInput({ request: { ...anInput().request!, method, path }, ...over }) });
}

/** What is proposed against data, as the command finds it. */
async function proposed(data: object, denials: readonly PastDecision[]): Promise<{ readonly list: readonly Suggestion[]; readonly final: object; readonly standing: object; readonly refused: object; readonly candidate: Candidate }> {
  const policy = await readPolicy(policyData.parse(data), options);
  if (policy.folder === null) throw new Error("data are a folder");
  const suggestions = new Suggestions(policy);
  for (const past of denials) suggestions.add(past);
  const candidate = await candidateOf(withEntries({ ...policy, folder: policy.folder }, suggestions.proposed()), options);
  for (const past of denials) suggestions.tried(await candidate.replay(past));
  return { list: suggestions.list(), final: suggestions.final, standing: suggestions.standing, refused: suggestions.refusedByPeople, candidate };
}

/** Every combination of what requests may differ in, each protocol at a host of its own. */
const UNIVERSE: readonly PastDecision[] = [
  ...["GET", "HEAD", "POST", "DELETE"].flatMap((method) => ["repos", "users", "search"].map((path) => at("rest.test", denied(method, [path])))),
  ...[true, false].flatMap((isWrite) => ["acme/core", "me/fork"].map((repository) => at("git.test", denied("POST", [...repository.split("/"), "x"], {
    git: { service: isWrite ? "git-receive-pack" : "git-upload-pack", repository, is_write: isWrite },
  })))),
  ...["small", "large"].flatMap((model) => [[], ["search"], ["mail"]].flatMap((tools) => [true, false].map((stream) => at("llm.test", denied("POST", ["v1", "chat"], {
    read: { llm: null }, llm: { api: "openai-chat", provider: "openai", model, stream, max_output_tokens: null, tools },
  }))))),
  ...["mv", "cp"].flatMap((tool) => [{}, { from: "/a" }, ...["/a", "/b"].flatMap((from) => ["/c", "/d"].map((to) => ({ from, to })))].map((given) => at("mcp.test", denied("POST", ["mcp"], {
    read: { mcp: null }, mcp: { ...mcp, tool, arguments: given },
  })))),
  ...[1, 5].flatMap((amount) => ["eur", "usd"].map((currency) => at("json.test", denied("POST", ["pay"], { read: { json: null }, json: { amount, currency } })))),
];

function at(host: string, past: PastDecision): PastDecision {
  const input = { ...past.input!, connection: { ...anInput().connection!, name: host }, request: { ...past.input!.request!, host } };
  return { ...past, host, input, id: JSON.stringify([host, input.request.method, input.request.path, input.git, input.llm, input.mcp?.tool, input.mcp?.arguments, input.json]) };
}

/** Whether a suggestion says in words that it opens this beyond what was refused. */
function isNamed({ host, input }: PastDecision, list: readonly Suggestion[]): boolean {
  const says = (words: string, holds: (entry: Suggestion["entry"]) => boolean) => list.some((one) => one.example.host === host && one.opens.includes(words) && holds(one.entry));
  if (input?.git !== undefined) return says("every push to these repositories, and every fetch from them", ({ git }) => (git as { repositories: string[] }).repositories.includes(input.git!.repository));
  if (input?.llm === undefined) return false;
  const fits = ({ llm }: Suggestion["entry"]) => (llm as { models: string[] }).models.includes(input.llm!.model) && (llm as { stream: boolean }).stream === input.llm!.stream;
  return says("any tools that are offered to the model", fits) || (input.llm.tools.length === 0 && says("also fewer of the tools, or none", fits));
}

describe("entries proposed from denials", () => {
  test("merge methods and paths of one agent to one host, identifiers as `*`, and are checked", async () => {
    const { list } = await proposed({}, [
      denied("GET", ["repos", "12", "issues"]), denied("POST", ["repos", "34", "issues"]), denied("GET", ["v1", "7b9c1d34-0a1b-4c2d-8e3f-1234567890ab"]),
    ]);
    const opens = ["any segment in the place of each `*`", "any query and header fields"];
    expect(list).toMatchObject([
      { section: "hosts", denials: 2, allows: 2, alsoAllows: 0, opens: [...opens, "any body"], entry: { name: "api.test", agents: ["local/coder"], methods: ["GET", "POST"], paths: ["/repos/*/issues"] } },
      { denials: 1, allows: 1, alsoAllows: 0, opens, entry: { methods: ["GET"], paths: ["/v1/*"] } },
    ]);
    policyData.parse({ hosts: list.map(({ entry }) => entry) });
  });

  test("name tools, and their arguments where they are recorded", async () => {
    const calls = ["/workspace/a", "/workspace/b"].map((path) => denied("POST", ["mcp"], { mcp: { ...mcp, arguments: { path } }, read: { mcp: null } }));
    const { list } = await proposed({ hosts: [{ name: "api.test", methods: ["POST"], mcp: { tools: ["read"] } }] }, [...calls, denied("POST", ["mcp"], { mcp: { ...mcp, tool: "list" }, read: { mcp: null } })]);
    expect(list[0]?.entry).toMatchObject({ mcp: { tools: [{ name: "list", arguments: {}, only_these: true }, { name: "write", arguments: { path: { one_of: ["/workspace/a", "/workspace/b"] } }, only_these: true }] } });
    expect(list[0]).toMatchObject({ denials: 3, allows: 3, opens: ["any query and header fields", "what every MCP client needs to begin, and lists of what is named"] });
  });

  test("say that arguments and bodies are open where their values are not recorded", async () => {
    const redacted = ["input.mcp.arguments.path", "input.json.amount"].map((text) => ({ text, steps: readPlace(text) }));
    const call = { ...denied("POST", ["mcp"], { mcp: { ...mcp, arguments: {} }, read: { mcp: null } }), redacted };
    const pay = { ...denied("POST", ["pay"], { json: {}, read: { json: null } }), redacted };
    const { list } = await proposed({ hosts: [{ name: "api.test", methods: ["POST"], mcp: { tools: ["read"] } }] }, [call, pay]);
    expect(list.map(({ entry, opens }) => [entry["mcp"] ?? entry["json"] ?? null, opens])).toEqual([
      [{ tools: ["write"] }, ["any query and header fields", "what every MCP client needs to begin, and lists of what is named", "any arguments of the tools write"]],
      [null, ["any query and header fields", "any body"]],
    ]);
  });

  test("open nothing that they do not name: of all requests of a kind those that were refused, and no combination of them", async () => {
    await fc.assert(fc.asyncProperty(fc.subarray([...UNIVERSE], { minLength: 1 }), async (wanted) => {
      const { list, candidate } = await proposed({}, wanted);
      for (const past of UNIVERSE) {
        const { verdict } = await candidate.replay(past);
        expect([past.id, verdict]).toEqual([past.id, wanted.includes(past) || isNamed(past, list) ? "allow" : "deny"]);
      }
    }), { numRuns: 40 });
  });

  test("say which other denials they would allow", async () => {
    const other = { ...denied("GET", ["v1", "2"]), id: "other", agent: "local/coder" };
    const socket = anInput({ request: { ...anInput().request!, upgrade: "websocket" } });
    const { list } = await proposed({}, [denied("GET", ["v1", "1"]), { ...other, input: { ...socket, request: { ...socket.request!, upgrade: null, path: ["v1", "3"] }, mcp: { ...mcp }, read: { mcp: null } } }]);
    expect(list.map(({ alsoExample }) => alsoExample)).toContain("other");
  });

  test("leave out what data cannot say, and are made of the rest", async () => {
    const { list } = await proposed({}, [denied("get_it", ["a"]), denied("GET", ["b"])]);
    expect(list).toMatchObject([{ entry: { methods: ["GET"], paths: ["/b"] }, allows: 1 }]);
  });

  test("are never made around final rules", async () => {
    const { list, final } = await proposed({}, [denied("GET", [], {}, "names.metadata"), denied("GET", [], {}, "names.hide"), denied("GET", [], {}, "grants.not-held")]);
    expect(list).toEqual([]);
    expect(final).toEqual({ "names.metadata": 1, "names.hide": 1, "grants.not-held": 1 });
  });

  describe("beside an entry that asks a person", () => {
    const charge = { name: "api.test", rule: "charge", methods: ["POST"], paths: ["/charges"], effect: "ask", ask: { reason: "Charging needs a person." } };
    const body = (amount: number) => ({ read: { json: null }, json: { amount } });

    test("never go past the person where what it sets did not hold", async () => {
      const data = { hosts: [{ ...charge, json: { "/amount": { max: 100 } } }] };
      const { list, standing, candidate } = await proposed(data, [denied("POST", ["charges"], body(1_200), "charge"), denied("POST", ["Charges"], body(12), "charge"), denied("POST", ["refunds"], {}, "charge")]);
      expect(standing).toEqual({ charge: 2 });
      expect(list).toMatchObject([{ entry: { paths: ["/refunds"], effect: "ask", ask: { reason: "Charging needs a person." } }, asks: "charge", allows: 1 }]);
      for (const amount of [12, 5_000]) expect((await candidate.replay(denied("POST", ["charges"], body(amount)))).verdict).toBe(amount === 12 ? "ask" : "deny");
    });

    test("ask too where another agent did the same, and do not where something else was done", async () => {
      const { list } = await proposed({ hosts: [{ name: "api.test", rule: "read" }, { ...charge, agents: ["local/cashier"] }] }, [denied("POST", ["charges"], {}, "read"), denied("POST", ["notes"], {}, "read")]);
      expect(list).toMatchObject([{ entry: { paths: ["/charges"], effect: "ask" }, asks: "charge", allows: 1 }, { entry: { paths: ["/notes"] }, asks: null, allows: 1 }]);
      expect(list[1]?.entry).not.toHaveProperty("effect");
    });

    test("know a person by the name of the tool", async () => {
      const data = { hosts: [{ ...charge, paths: ["/mcp"], mcp: { tools: [{ name: "wr*", arguments: { path: { within: "/tmp" } } }] } }] };
      const call = (tool: string) => denied("POST", ["mcp"], { mcp: { ...mcp, tool, arguments: { path: "/etc" } }, read: { mcp: null } }, "other");
      const { list, standing } = await proposed(data, [call("write"), call("list")]);
      expect(standing).toEqual({ charge: 1 });
      expect(list).toMatchObject([{ entry: { mcp: { tools: [{ name: "list" }] } }, asks: null }]);
    });

    test("are never made of what a person refused", async () => {
      const { list, refused } = await proposed({ hosts: [charge] }, [{ ...denied("POST", ["charges"], {}, "charge"), verdict: "ask" }]);
      expect(list).toEqual([]);
      expect(refused).toEqual({ charge: 1 });
    });
  });

  test("allow nothing that an entry with effect deny refuses, and show it", async () => {
    const { list } = await proposed({ hosts: [{ name: "api.test", effect: "deny", rule: "never" }] }, [denied("GET", ["v1"], {}, "never")]);
    expect(list).toMatchObject([{ denials: 1, allows: 0 }]);
  });

  test("come from a name alone only where nothing more is known of the host", async () => {
    const name = aPastDecision({ verdict: "deny", rule: "hosts.default", question: "name", input: { version: 1, agent: anInput().agent, budgets: {}, time: anInput().time, dns: { name: "api.test", type: "A" } } });
    expect((await proposed({}, [name])).list).toMatchObject([{ entry: { name: "api.test" }, allows: 1, opens: expect.arrayContaining([expect.stringContaining("narrow it"), "every path"]) }]);
    expect((await proposed({}, [name, denied("GET", ["a"])])).list).toMatchObject([{ entry: { paths: ["/a"] }, allows: 2 }]);
  });
});
