import type { McpReading, ReadReport } from "../../../proxy/model/readings.ts";
import type { PolicyInput } from "../../../proxy/policy/policy-engine.ts";
import { aConnection, anExchange } from "../questions.ts";
import type { GoldenQuestion } from "./questions.ts";
import type { Picker } from "./walk.ts";

type Body = Pick<PolicyInput, "read" | "llm" | "mcp" | "graphql" | "json">;
type Head = Pick<PolicyInput, "git" | "grpc">;

const PLACES = ["/workspace", "/workspace/a", "/workspace/.git/config", "/workspace/../etc", "/workspace//..", "/workspace-2/a", "/workspace\\..", "/workspace/%2e%2E/a", "/workspace/a\u0000b", "/workspace/．．/a", "/workspace/‥", "/workspace/... /a", "/etc/passwd", "workspace/a", "", "/WORKSPACE/a", "/workspace/ü/💧"];
const ODD = [null, 0, -1, 3, 5.0, 5.5, 1e21, true, false, "", "w", "1", "a\nb", "x".repeat(30), "ünïcödé", [], ["w"], {}, { a: 1 }, { depth: "3" }, { depth: 3, name: "abc" }, { name: "ABC" }, { depth: 9 }, { depth: null }, { more: 1 }];
const TOOLS = [null, "read_file", "read_secret", "read_", "READ_FILE", "rеad_file", "read*", "list_all_files", "listfiles", "a1b2c", "abc", "a\nb\nc", "acb", "write_file", "strict", "delete_file", "__proto__", "constructor", "", "t", "first", "second", "x".repeat(600)];
const MCP_METHODS = ["initialize", "notifications/initialized", "ping", "tools/list", "resources/list", "prompts/list", "tasks/get", "tasks", "resources/read", "resources/subscribe", "prompts/get", "server/discover", "logging/setLevel", "elicitation/create", "sampling/createMessage", "Tools/call", null];
const URIS = [null, "file:///workspace/a", "file:///workspace/.env", "file:///workspace/.env.local", "file:///etc/passwd", "FILE:///workspace/a", ""];
const PROMPTS = [null, "review", "Review", "dangerous", "other"];
const KEYS = ["path", "mode", "options", "text", "tags", "more", "__proto__", "options.depth", "PATH"];
const MODELS = ["small-1", "tiny", "Tiny", "large-9", "small", "medium", "", "m"];
const MODEL_TOOLS = ["search", "web_search", "shell", "shell_2", "run_code_exec", "other"];
const REPOSITORIES = ["acme/app", "ACME/app", "acme/secret", "Acme/Secret-2", "other/app", "tools", "acme", "", "acme/a/b"];
const GRPC = [["acme.Items", "Get"], ["acme.Items", "Put"], ["acme.Health", "Check"], ["acme.Health", "Reset"], ["acme.items", "Get"], ["acme", "Items"]] as const;
const OPERATIONS = [null, "MergePull", "mergePull", "Merge", "Other"];
const FIELDS = ["viewer", "repository", "repositoryOwner", "deleteIssue", "mergePullRequest", "__schema"];
const BODIES = [null, false, [], ["a"], {}, "text", 7, { channel: "C1", text: "hi" }, { channel: "C1" }, { channel: "C3", text: "hi" }, { channel: ["C1"], text: "hi" }, { channel: "C1", text: "hi @everyone !" }, { channel: "C1", text: 1 },
  { channel: "C1", text: "hi", blocks: [] }, { channel: "C1", text: "hi", blocks: [{ type: "section" }] }, { channel: "C1", text: "hi", blocks: [{ type: "image" }] }, { channel: "C1", text: "hi", blocks: [{}] }, { channel: "C1", text: "hi", blocks: "section" },
  { channel: "C1", text: "ü".repeat(41) }, { channel: "C1", text: "💧".repeat(40) }, { a: 1 }, { a: 1.0 }, { a: "1" }, { "__proto__": { channel: "C1" } }, { "/channel": "C1" }];
const WHY = "the body is no JSON";

const READS = ["llm", "mcp", "graphql", "json"] as const;
const HOSTS = ["mcp.reading.test", "llm.reading.test", "git.reading.test", "grpc.reading.test", "graphql.reading.test", "json.reading.test", "mixed.reading.test", "shared.reading.test", "a.tenant.test"] as const;
const SPOKEN: Partial<Record<string, (typeof READS)[number]>> = { "llm.reading.test": "llm", "graphql.reading.test": "graphql", "json.reading.test": "json" };
const PATHS = [["mcp"], ["closed", "x"], ["v1", "messages"], ["upload"], ["plain"], ["pages", "a"], []];
const METHODS = [...Array.from({ length: 9 }, () => "POST"), "GET", "DELETE", "PUT"];
const AGENTS = [{}, {}, {}, {}, { namespace: "team", name: "both" }, { namespace: "team", name: "first" }, { namespace: "team", name: "broken" }, { namespace: "other", name: "both" }];

/** One question about what heads and bodies say: mostly of the protocol that the host speaks, sometimes of another, of none, or not read yet. */
export function readingQuestion(pick: Picker): GoldenQuestion {
  const host = pick(HOSTS);
  const input = anExchange({ agent: pick(AGENTS), connection: { name: host }, request: { method: pick(METHODS), path: pick(PATHS), upgrade: pick([...Array.from({ length: 12 }, () => null), "websocket" as const]) } });
  return { question: "exchange", input: { ...input, ...aHead(host, pick), ...aBody(host, pick) } };
}

function aHead(host: string, pick: Picker): Head {
  if (host === "git.reading.test" && pick([true, true, false])) {
    const isWrite = pick([true, false]);
    return { git: { service: isWrite ? "git-receive-pack" : "git-upload-pack", repository: pick(REPOSITORIES), is_write: isWrite } };
  }
  if (host !== "grpc.reading.test" || pick([true, false, false, false])) return {};
  const [service, method] = pick(GRPC);
  return { grpc: { service, method } };
}

function aBody(host: string, pick: Picker): Body {
  if (pick([true, false, false, false, false])) return {};
  const spoken = SPOKEN[host];
  const there = pick([spoken ?? "mcp", spoken ?? "mcp", spoken ?? "mcp", ...READS, "none"] as const);
  const read: ReadReport = Object.fromEntries(READS.filter(() => pick([true, true, true, false])).map((name) => [name, name === there ? null : WHY]));
  if (there === "llm") return { read, llm: { api: "openai-chat", provider: "openai", model: pick(MODELS), stream: pick([true, false]), max_output_tokens: pick([null, 10]), tools: some(MODEL_TOOLS, pick) } };
  if (there === "mcp") return { read, mcp: aMessage(pick) };
  if (there === "graphql") return { read, graphql: { type: pick(["query", "mutation", "subscription"] as const), name: pick(OPERATIONS), fields: some(FIELDS, pick) } };
  return there === "json" ? { read: { ...read, json: null }, json: pick(BODIES) } : { read };
}

function aMessage(pick: Picker): McpReading {
  const method = pick(["tools/call", "tools/call", "tools/call", ...MCP_METHODS]);
  return {
    era: pick(["session", "stateless"] as const), direction: pick(["to_server", "to_server", "to_server", "from_server"] as const),
    kind: pick(["request", "request", "request", "notification", "response"] as const), method,
    tool: pick(TOOLS), arguments: pick([true, true, true, false]) ? callArguments(pick) : null, prompt: pick(PROMPTS), uri: pick(URIS), is_listing: pick([false, false, false, true]),
  };
}

/** Mostly a fit path, and then whatever else. `Object.fromEntries` makes `__proto__` a key like any other. */
function callArguments(pick: Picker): Record<string, unknown> {
  const others = some(KEYS.slice(1), pick).map((key) => [key, pick(ODD)] as const);
  return Object.fromEntries([...(pick([true, true, true, false]) ? [["path", pick([pick(PLACES), pick(PLACES), "/workspace/a", pick(ODD)])] as const] : []), ...others]);
}

function some<T>(list: readonly T[], pick: Picker): T[] {
  return list.filter(() => pick([true, false, false]));
}

/** What the walk may miss, each once. */
export function pickedReadings(): GoldenQuestion[] {
  const message: McpReading = { era: "session", direction: "to_server", kind: "request", method: "tools/call", tool: null, arguments: null, prompt: null, uri: null, is_listing: false };
  const at = (name: string, more: Partial<PolicyInput>): GoldenQuestion => ({ question: "exchange", input: { ...anExchange({ connection: { name }, request: { method: "POST", path: ["mcp"] } }), ...more } });
  const calls = (tool: string, args: readonly Record<string, unknown>[]) => args.map((each) => at("mcp.reading.test", { read: { mcp: null }, mcp: { ...message, tool, arguments: each } }));
  const path = "/workspace/a";
  return [
    ...HOSTS.map((host) => at(host, {})),
    ...PLACES.flatMap((place) => calls("write_file", [{ path: place }])),
    ...ODD.flatMap((odd) => calls("strict", [{ path: odd }, { path, mode: odd }, { path, options: odd }, { path, text: odd }, { path, tags: odd }])),
    ...TOOLS.map((tool) => at("mcp.reading.test", { read: { mcp: null }, mcp: { ...message, tool } })),
    ...TOOLS.map((tool) => at("mcp.reading.test", { read: { mcp: null }, mcp: { ...message, tool, is_listing: true } })),
    ...MCP_METHODS.flatMap((method) => (["to_server", "from_server"] as const).map((direction) => at("mcp.reading.test", { read: { mcp: null }, mcp: { ...message, method, direction } }))),
    ...MODELS.flatMap((model) => [[], ["search"], ["web_x", "other"], ["shell"]].map((tools) => at("llm.reading.test", {
      read: { llm: null }, llm: { api: "openai-chat", provider: "openai", model, stream: true, max_output_tokens: null, tools },
    }))),
    ...OPERATIONS.flatMap((name) => FIELDS.map((field) => at("graphql.reading.test", { read: { graphql: null }, graphql: { type: "mutation", name, fields: [field] } }))),
    ...FIELDS.map((field) => at("graphql.reading.test", { read: { graphql: null }, graphql: { type: "query", name: null, fields: ["viewer", field] } })),
    ...GRPC.map(([service, method]) => at("grpc.reading.test", { grpc: { service, method } })),
    ...BODIES.map((json) => at("json.reading.test", { read: { json: null }, json })),
    ...REPOSITORIES.flatMap((repository) => [true, false].map((is_write) => at("git.reading.test", { git: { service: is_write ? "git-receive-pack" as const : "git-upload-pack" as const, repository, is_write } }))),
    ...AGENTS.map((agent): GoldenQuestion => ({ question: "exchange", input: anExchange({ agent, connection: { name: "a.tenant.test" } }) })),
    { question: "connection", input: aConnection({ connection: { name: "tunnel.reading.test", port: 22, wire: "opaque" } }) },
    ...AGENTS.map((agent): GoldenQuestion => ({ question: "connection", input: aConnection({ agent, connection: { name: "shared.reading.test" } }) })),
  ];
}
