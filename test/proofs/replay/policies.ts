import { HOSTS, TAG } from "./plan.ts";

const POST = { methods: ["POST"] };

/** In force at first. */
export const POLICY_A = {
  hosts: [
    { name: HOSTS.rest, rule: "a.rest", methods: ["GET", "POST"], paths: ["/v1/**", "/v2/**"] },
    // No DELETE of the plan has a body, so that nobody is ever asked: what it sets does not hold.
    { name: HOSTS.rest, rule: "a.rest.ask", effect: "ask", ask: { reason: "deletes", timeout_seconds: 1 }, methods: ["DELETE"], paths: ["/v1/**"], json: { "/confirm": { one_of: [true] } } },
    { name: HOSTS.mcp, rule: "a.mcp", ...POST, mcp: { tools: ["read", { name: "write", arguments: { path: { within: "/workspace" } } }] } },
    { name: HOSTS.git, rule: "a.git", ...POST, methods: ["GET", "POST"], git: { access: "write" } },
    { name: HOSTS.graphql, rule: "a.graphql", ...POST, graphql: { types: ["query", "mutation"] } },
    { name: HOSTS.hook, rule: "a.hook", ...POST, json: { "/channel": { one_of: ["general", "finance"] } } },
    { name: HOSTS.model, rule: "a.model", ...POST, llm: { models: ["gpt-5*"] } },
    { name: HOSTS.gone, rule: "a.gone", agents: ["test/planner", "test/coder"] },
  ],
};

/** The idea: other paths, agents, tools, arguments, repositories, fields, models; a person asked; a host given up; a body read that nobody read before. */
export const POLICY_B = {
  hosts: [
    { name: HOSTS.rest, rule: "b.rest.ask", effect: "ask", ask: { reason: "changes v2", timeout_seconds: 1 }, methods: ["POST"], paths: ["/v2/**"] },
    { name: HOSTS.rest, rule: "b.rest", methods: ["GET", "DELETE"], paths: ["/v1/**", "/v2/**"] },
    { name: HOSTS.rest, rule: "b.rest.body", methods: ["POST"], paths: ["/admin/**"], json: { "/reason": { type: "string" } } },
    { name: HOSTS.mcp, rule: "b.mcp", ...POST, mcp: { tools: ["read", "remove", { name: "write", arguments: { path: { within: "/workspace/src" }, count: { max: 9 }, text: { max_length: 300 } } }] } },
    { name: HOSTS.git, rule: "b.git", methods: ["GET", "POST"], git: { access: "read" } },
    { name: HOSTS.git, rule: "b.git.ours", methods: ["GET", "POST"], git: { access: "write", repositories: ["ours/*"] } },
    { name: HOSTS.graphql, rule: "b.graphql", ...POST, agents: ["test/planner", "test/coder", "test/reviewer"], graphql: { fields: ["viewer"] } },
    { name: HOSTS.hook, rule: "b.hook", ...POST, json: { "/channel": { one_of: ["general"] } } },
    { name: HOSTS.model, rule: "b.model", ...POST, llm: { models: ["gpt-5-mini", "o3"] } },
    { name: HOSTS.model, rule: "b.never", effect: "deny", ...POST, agents: ["test/writer"], llm: { models: ["o3"] } },
  ],
};

/** Beside it: Rego that looks at a header, whose value no record holds. */
export const REGO_B = [
  "package weir.custom.exchange", "",
  `deny contains {"rule": "b.tag", "reason": "the tag says so", "hint": "leave it out"} if input.request.headers[${JSON.stringify(TAG)}] == "blocked"`, "",
].join("\n");
