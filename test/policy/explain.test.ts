import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { BodyReadings, HeadReadings } from "../../proxy/model/readings.ts";
import type { ExchangeRecord } from "../../proxy/model/record.ts";
import { policyData } from "../../proxy/policy/data.ts";
import { explainRecord } from "../../proxy/policy/explain-record.ts";
import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { readPolicy } from "../../proxy/policy/replay/candidate.ts";
import { explainDecision, personBehind } from "../../proxy/policy/replay/explain-decision.ts";
import { anExchange } from "../support/audit-records.ts";
import { anInput } from "../support/past-decisions.ts";

const options = { environment: {}, announce: () => {} };

function refused(method: string, readings: HeadReadings & BodyReadings = {}, over: Partial<PolicyInput> = {}): ExchangeRecord {
  const read = Object.fromEntries(["mcp", "llm", "graphql", "json"].filter((name) => name in readings).map((name) => [name, null]));
  const input = anInput({ request: { ...anInput().request!, method }, ...readings, ...(Object.keys(read).length === 0 ? {} : { read }), ...over });
  return anExchange({
    agent: { namespace: "local", name: "coder", thread: "t", instance: "i", user: "", chain: [] }, method, host: "api.test", path: "/v1/things", outcome: "denied", status: 403,
    error: { code: "policy.denied", detail: "no", rule: "near", reason: "no", hint: "" },
    decision: { allowed: false, rule: "near", revision: "r1", grants: [], budgets: [], input: { input: input as unknown as Record<string, unknown>, redacted: [] } },
  });
}

const mcp = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: "write", arguments: { path: "/etc/passwd" }, prompt: null, uri: null, is_listing: false } as const;
const llm = { api: "openai-chat", provider: "openai", model: "gpt-x", stream: false, max_output_tokens: null, tools: ["search"] } as const;

describe("a refusal that is explained by asking again", () => {
  test.each<[string, ExchangeRecord, object]>([
    ["method", refused("DELETE"), { methods: ["GET"] }],
    ["tool and argument", refused("POST", { mcp }), { methods: ["POST"], mcp: { tools: [{ name: "write", arguments: { path: { within: "/workspace" } } }] } }],
    ["model", refused("POST", { llm }), { methods: ["POST"], llm: { models: ["claude-*"] } }],
    ["GraphQL field", refused("POST", { graphql: { type: "mutation", name: "Drop", fields: ["deleteRepo"] } }), { methods: ["POST"], graphql: { fields: ["viewer"] } }],
    ["gRPC method", refused("POST", { grpc: { service: "pkg.Svc", method: "Wipe" } }), { methods: ["POST"], grpc: ["pkg.Svc/Read"] }],
    ["repository", refused("POST", { git: { service: "git-receive-pack", repository: "v1/things", is_write: true } }), { methods: ["GET", "POST"], git: { access: "read", repositories: ["v1/things"] } }],
    ["value in a JSON body", refused("POST", { json: { channel: "secret" } }), { methods: ["POST"], json: { "/channel": { one_of: ["open"] } } }],
  ])("by its %s names the near entry, why it does not cover it, and an entry that does", async (_what, record, rules) => {
    const policy = await readPolicy(policyData.parse({ hosts: [{ name: "api.test", rule: "near", ...rules }, { name: "other.test" }] }), options);
    const details = await explainDecision(record, policy, options);
    expect(details?.now).toMatchObject({ verdict: "deny", rule: "near", doubts: [] });
    expect(details?.considered).toEqual([{ rule: "near", kind: "deny", reason: expect.stringMatching(/./) }]);
    expect(details?.withEntry).toBe("allow");
    expect(() => policyData.parse(parse(explainRecord(record).entry ?? ""))).not.toThrow();
  });

  test("says so where the smallest entry does not help, because another entry refuses", async () => {
    const policy = await readPolicy(policyData.parse({ hosts: [{ name: "**.test", effect: "deny", rule: "never" }] }), options);
    const details = await explainDecision(refused("DELETE"), policy, options);
    expect(details).toMatchObject({ withEntry: "deny", considered: [{ rule: "never", kind: "deny" }] });
  });

  test.each([["10.1.2.3", ["ten", "mapped", "four"]], ["::10.1.2.3", ["six"]], ["fd00::1", ["private", "six"]]])("names the entries whose range holds the address %s, as policy reads it", async (address, rules) => {
    const entry = (rule: string, cidr: string) => ({ rule, cidr, ports: [443], methods: ["GET"] });
    const policy = await readPolicy(policyData.parse({ addresses: [entry("ten", "10.0.0.0/8"), entry("private", "fd00::/8"), entry("mapped", "::ffff:0:0/96"), entry("six", "::/0"), entry("four", "0.0.0.0/0")] }), options);
    const record = refused("DELETE", {}, { connection: { ...anInput().connection!, name: address, is_address: true } });
    expect((await explainDecision(record, policy, options))?.considered?.map(({ rule }) => rule)).toEqual(rules);
  });

  describe("where an entry asks a person", () => {
    const asking = { name: "api.test", rule: "near", methods: ["POST"], effect: "ask", ask: { reason: "a person decides" } };
    const explained = async (record: ExchangeRecord, entry: object) => {
      const policy = await readPolicy(policyData.parse({ hosts: [entry] }), options);
      const asked = await personBehind(record, policy);
      return { asked, details: await explainDecision(record, policy, options), told: explainRecord(record, asked), compiled: await personBehind(record, { ...policy, folder: null }) };
    };

    test("proposes no entry beside it when its conditions did not hold, whether the folder or the bundle is at hand", async () => {
      const { asked, details, told, compiled } = await explained(refused("POST", { json: { amount: 1_200 } }), { ...asking, json: { "/amount": { max: 100 } } });
      expect([asked?.kind, compiled?.kind]).toEqual(["stands", "stands"]);
      expect([told.entry, details?.withEntry]).toEqual([null, null]);
      expect(told.lines.join("\n")).toContain("Rule near asks a person about this, and what it sets did not hold. Change that entry");
    });

    test("asks too in what it proposes for something else", async () => {
      const { details, told } = await explained(refused("DELETE"), asking);
      expect(parse(told.entry ?? "")).toMatchObject({ hosts: [{ methods: ["DELETE"], effect: "ask", ask: { reason: "a person decides" } }] });
      expect(details?.withEntry).toBe("ask");
    });

    test.each([["a bundle holds Rego", { wasm: Uint8Array.of(0) }, null], ["Rego asks", {}, { rego: new Map([["own.rego", "package weir.custom.exchange\n\nask contains x if y\n"]]) }]])(
      "does not claim to know where %s", async (_where, bundle, folder) => {
        const policy = await readPolicy(policyData.parse({}), options);
        const of = { ...policy, bundle: { ...policy.bundle, ...bundle }, folder: folder === null ? null : { ...policy.folder!, ...folder } };
        expect([await personBehind(refused("DELETE"), of), await personBehind(refused("DELETE"), policy)]).toEqual([undefined, null]);
      });

    test("warns of it where no policy is at hand", () => {
      expect(explainRecord(refused("DELETE")).lines.join("\n")).toContain("or one with `effect: ask`, or Rego that asks: do not go past a person");
    });
  });

  test("says that it is not known where what an entry looks at was not recorded, and a verdict where it was", async () => {
    const record = refused("POST", { json: {} });
    const { input } = record.decision!;
    const shortened = { ...record, decision: { ...record.decision!, input: { ...input!, redacted: ["input.json.amount"] } } };
    const rules = { name: "api.test", rule: "near", methods: ["POST"] };
    const explained = async (json: object) => explainDecision(shortened, await readPolicy(policyData.parse({ hosts: [{ ...rules, json }] }), options), options);
    expect(await explained({ "/amount": { max: 100 } })).toMatchObject({
      now: { verdict: null, rule: null, doubts: ["input.json.amount is not recorded"] }, considered: [{ kind: "undecided", reason: "input.json.amount is not recorded" }], withEntry: "not known",
    });
    expect(await explained({ "/note": { type: "string" } })).toMatchObject({ now: { verdict: "deny", doubts: [] }, considered: [{ kind: "deny", reason: expect.stringContaining("/note") }] });
  });

  test("has nothing to add to a record without input", async () => {
    const record = refused("GET");
    const { input: _, ...decision } = record.decision!;
    expect(await explainDecision({ ...record, decision }, await readPolicy(policyData.parse({}), options), options)).toBeNull();
  });
});
