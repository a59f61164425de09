/** One request of an agent. Its path is its own, so that its records are known by it. */
export interface Planned {
  readonly agent: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export const HOSTS = { rest: "rest.replay.test", mcp: "mcp.replay.test", git: "git.replay.test", graphql: "graphql.replay.test", hook: "hook.replay.test", gone: "gone.replay.test", model: "api.openai.com" } as const;
/** Denied by name under both policies. */
export const UNKNOWN_HOST = "elsewhere.replay.test";
export const AGENTS = ["planner", "coder", "reviewer", "tester", "writer"] as const;
/** The header that Rego of the second policy looks at; no record holds its value. */
export const TAG = "x-replay-tag";

type Dice = () => number;

/** Requests of all protocols that the boundary reads, some covered by the first policy, some by the second, some by both, some by none. */
export function plan(count: number, random: Dice): Planned[] {
  const kinds = [rest, rest, rest, tool, tool, batch, unreadable, listing, git, graphql, hook, model, gone, unknown];
  return Array.from({ length: count }, (_, index) => {
    const make = kinds[Math.floor(random() * kinds.length)] ?? rest;
    return { agent: oneOf(AGENTS, random), headers: {}, body: null, method: "GET", ...make(index, random) };
  });
}

type Made = Pick<Planned, "host" | "path"> & Partial<Planned>;

function oneOf<T>(list: readonly T[], random: Dice): T {
  return list[Math.floor(random() * list.length)] as T;
}

function rest(index: number, random: Dice): Made {
  const path = `/${oneOf(["v1", "v2", "admin"], random)}/items/${index}`;
  const tag = random() < 0.15 ? { [TAG]: oneOf(["fine", "blocked"], random) } : {};
  return { host: HOSTS.rest, method: oneOf(["GET", "POST", "DELETE"], random), path, headers: { authorization: "Bearer dummy", ...tag } };
}

function json(body: unknown): Pick<Made, "method" | "headers" | "body"> {
  return { method: "POST", headers: { "content-type": "application/json", "accept": "application/json, text/event-stream" }, body: JSON.stringify(body) };
}

function tool(index: number, random: Dice): Made {
  const folder = oneOf(["/workspace", "/workspace/src", "/etc"], random);
  const params = { name: oneOf(["read", "write", "remove"], random), arguments: { path: `${folder}/${index}`, count: Math.floor(random() * 20), text: "x".repeat(random() < 0.1 ? 400 : 5) } };
  return { host: HOSTS.mcp, path: `/mcp/${index}`, ...json({ jsonrpc: "2.0", id: index, method: "tools/call", params }) };
}

/** One of them may be refused where the other is not. */
function batch(index: number, random: Dice): Made {
  const calls = [1, 2].map((id) => ({ jsonrpc: "2.0", id, method: "tools/call", params: { name: oneOf(["read", "write", "remove"], random), arguments: { path: "/workspace", count: 1 } } }));
  return { host: HOSTS.mcp, path: `/mcp/${index}`, ...json(calls) };
}

/** What cannot be read in one way only, so that no policy which reads it decides about it. */
function unreadable(index: number, random: Dice): Made {
  const twice = { method: "POST", headers: { "content-type": "application/json" }, body: `{"channel": "general", "channel": "finance", "text": "number ${index}"}` };
  if (random() < 0.5) return { host: HOSTS.hook, path: `/hook/${index}`, ...twice };
  return { host: HOSTS.mcp, path: `/mcp/${index}`, ...json({ jsonrpc: "2.0", id: index, method: "completion/complete", params: {} }) };
}

function listing(index: number, random: Dice): Made {
  const method = oneOf(["tools/list", "ping", "resources/list", "logging/setLevel"], random);
  return { host: HOSTS.mcp, path: `/mcp/${index}`, ...json({ jsonrpc: "2.0", id: index, method, params: {} }) };
}

function git(index: number, random: Dice): Made {
  const service = oneOf(["git-upload-pack", "git-receive-pack"], random);
  return { host: HOSTS.git, path: `/${oneOf(["ours", "theirs"], random)}/repo-${index}.git/info/refs?service=${service}` };
}

function graphql(index: number, random: Dice): Made {
  const query = oneOf(["query Mine { viewer { login } }", "query Other { secrets { name } }", "mutation Drop { deleteRepo(id: 1) { id } }"], random);
  return { host: HOSTS.graphql, path: `/graphql/${index}`, ...json({ query }) };
}

function hook(index: number, random: Dice): Made {
  return { host: HOSTS.hook, path: `/hook/${index}`, ...json({ channel: oneOf(["general", "finance"], random), text: `number ${index}` }) };
}

function model(index: number, random: Dice): Made {
  const request = { model: oneOf(["gpt-5-mini", "gpt-5", "o3"], random), max_completion_tokens: 16, messages: [{ role: "user", content: `number ${index}` }] };
  return { host: HOSTS.model, path: `/v1/chat/completions?n${index}=1`, ...json(request) };
}

function gone(index: number): Made {
  return { host: HOSTS.gone, path: `/items/${index}` };
}

function unknown(index: number): Made {
  return { host: UNKNOWN_HOST, path: `/items/${index}` };
}
