/** Entries that use every reading there is, and every rule for values, in an allow, an ask and a deny. */
const ask = { reason: "May it?", timeout_seconds: 60, scopes: ["once"] };
const arguments_ = {
  path: { within: "/workspace" }, mode: { one_of: ["w", "a", 1, null], optional: true }, "options.depth": { min: 0, max: 5, optional: true },
  "options.name": { matches: "[a-z]{1,8}", optional: true }, text: { max_length: 20, optional: true }, tags: { type: "array", optional: true },
};

export const READING_HOSTS = [
  { name: "mcp.reading.test", rule: "mcp.read", grants: ["files"], mcp: { tools: ["read_*", "list*files", "a*b*c"], resources: ["file:///workspace/*"], prompts: ["review"], from_server: ["elicitation/create"] } },
  { name: "mcp.reading.test", rule: "mcp.write", mcp: { tools: [{ name: "write_file", arguments: arguments_ }, { name: "strict", arguments: arguments_, only_these: true }], methods: ["tasks/*"] }, max_read_bytes: 4_096 },
  { name: "mcp.reading.test", rule: "mcp.delete", effect: "ask", ask, mcp: { tools: ["delete_file"], prompts: ["dangerous"] } },
  { name: "mcp.reading.test", rule: "mcp.secrets", effect: "deny", mcp: { tools: ["read_secret*", { name: "write_file", arguments: { path: { within: "/workspace/.git" } } }], resources: ["file:///workspace/.env*"] }, paths: ["/mcp/**", "/mcp"] },
  { name: "mcp.reading.test", rule: "mcp.closed", effect: "deny", mcp: {}, paths: ["/closed/**"], methods: ["*"], hint: "nobody" },
  { name: "llm.reading.test", rule: "llm.small", llm: { models: ["small-*", "tiny"], tools: ["search", "web_*"], stream: true }, max_output_tokens: 100, budgets: ["team"] },
  { name: "llm.reading.test", rule: "llm.large", effect: "ask", ask, llm: { models: ["large-*"] } },
  { name: "llm.reading.test", rule: "llm.shell", effect: "deny", llm: { tools: ["shell*", "*code*exec*"] } },
  { name: "git.reading.test", rule: "git.read", git: { repositories: ["acme/*", "tools"] } },
  { name: "git.reading.test", rule: "git.write", effect: "ask", ask, git: { access: "write", repositories: ["acme/app"] }, grants: ["git"] },
  { name: "git.reading.test", rule: "git.closed", effect: "deny", git: { repositories: ["acme/secret*"] } },
  { name: "git.reading.test", rule: "git.pages", paths: ["/pages/**"] },
  { name: "grpc.reading.test", rule: "grpc.items", grpc: ["acme.Items/Get", "acme.Health/*"] },
  { name: "grpc.reading.test", rule: "grpc.reset", effect: "deny", grpc: ["acme.Health/Reset"] },
  { name: "graphql.reading.test", rule: "graphql.read", graphql: { fields: ["viewer", "repository*"] } },
  { name: "graphql.reading.test", rule: "graphql.merge", effect: "ask", ask, graphql: { types: ["mutation"], names: ["Merge*"] } },
  { name: "graphql.reading.test", rule: "graphql.delete", effect: "deny", graphql: { types: ["mutation"], fields: ["delete*"] } },
  { name: "json.reading.test", rule: "json.post", json: { "/channel": { one_of: ["C1", "C2"] }, "/text": { max_length: 40 }, "/blocks/0/type": { like: ["section*"], optional: true } } },
  { name: "json.reading.test", rule: "json.upload", paths: ["/upload"], methods: ["PUT", "POST"], json: { "": { type: "array" } }, max_read_bytes: 1_048_576 },
  { name: "json.reading.test", rule: "json.everyone", effect: "deny", paths: ["/v1/**", "/mcp"], json: { "/text": { like: ["*@everyone*"] } }, reason: "it would wake everybody" },
  { name: "mixed.reading.test", rule: "mixed.both", json: { "/a": { one_of: [1] } }, llm: { models: ["m"] }, methods: ["POST"] },
  { name: "mixed.reading.test", rule: "mixed.either", mcp: { tools: ["t"] }, paths: ["/mcp"] },
  { name: "mixed.reading.test", rule: "mixed.plain", methods: ["POST"], paths: ["/plain", "/mcp"] },
  { name: "tunnel.reading.test", rule: "tunnel.ask", effect: "ask", ask, ports: [22], handling: "tunnel" },
];

const tenantHosts = (rule: string, tool: string) => [
  { name: "shared.reading.test", rule, mcp: { tools: [tool] }, grants: [`${rule}.grant`] },
  { name: "*.tenant.test", rule: `${rule}.ask`, effect: "ask", ask },
];

/** Policies of a cluster, and the agents of `team` that hold them. */
export const TENANTS = {
  policies: [{ namespace: "team", name: "one", hosts: tenantHosts("one", "first") }, { namespace: "team", name: "two", hosts: tenantHosts("two", "second") }],
  holders: { team: { both: ["team.two", "team.one"], first: ["team.one"], broken: ["team.one"] } },
  withheld: { team: { broken: { reason: "a policy is missing", hint: "look at its status" } } },
  platform: "platform.reading.test",
};
