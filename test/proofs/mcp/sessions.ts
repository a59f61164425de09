import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { PATHS } from "../../support/mcp/mcp-destination.ts";
import { SECRET_CONTENT } from "../../support/mcp/session-server.ts";
import { eventually } from "../../support/whole-proxy.ts";
import type { ConnectedClient, Setting } from "./setting.ts";
import type { Statements } from "./statements.ts";

/** Transports of the session era, by the path at which the server has each. */
export const TRANSPORTS = {
  "Streamable HTTP, events": PATHS.events,
  "Streamable HTTP, JSON": PATHS.json,
  "Streamable HTTP, no session": PATHS.sessionless,
  "HTTP with SSE": PATHS.sse,
} as const;

const SHOWN = ["ask_model", "ask_roots", "ask_user", "count", "grow", "read_file"];

/** The official client and server understand each other through the boundary, and one sees of the other what policy allows. */
export async function speak(setting: Setting, statements: Statements, name: keyof typeof TRANSPORTS): Promise<void> {
  const connected = await setting.connect(TRANSPORTS[name]);
  await seeLists(connected, statements, name);
  await call(setting, connected, statements, name);
  await notice(connected, statements, name);
  await connected.client.close();
}

async function seeLists({ client }: ConnectedClient, statements: Statements, name: string): Promise<void> {
  statements.same(`${name}: tools/list shows what may be called`, (await client.listTools()).tools.map((tool) => tool.name).toSorted(), SHOWN);
  statements.same(`${name}: prompts/list shows what may be fetched`, (await client.listPrompts()).prompts.map((prompt) => prompt.name), ["review"]);
  statements.same(`${name}: resources/list shows what may be read`, (await client.listResources()).resources.map(({ uri }) => uri), ["file:///workspace/readme"]);
  statements.same(`${name}: templates too`, (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["file:///workspace/{name}"]);
}

async function call({ destination }: Setting, { client }: ConnectedClient, statements: Statements, name: string): Promise<void> {
  const allowed = await client.callTool({ name: "read_file", arguments: { path: "/workspace/a" } }) as CallToolResult;
  statements.same(`${name}: an allowed call is answered by the server`, textOf(allowed), `${SECRET_CONTENT} read_file "/workspace/a"`);
  const before = destination.bodies.length;
  const denied = await client.callTool({ name: "run_shell", arguments: { path: "x" } }) as CallToolResult;
  statements.say(`${name}: a denied call is a result that says the rule`, denied.isError === true && textOf(denied).includes("mcp.proof") && textOf(denied).includes("run_shell"), denied);
  const outside = await client.callTool({ name: "read_file", arguments: { path: "/etc/passwd" } }) as CallToolResult;
  statements.say(`${name}: an argument outside /workspace is denied`, outside.isError === true && !textOf(outside).includes(SECRET_CONTENT), outside);
  statements.say(`${name}: an allowed prompt is fetched`, JSON.stringify(await client.getPrompt({ name: "review", arguments: { of: "x" } })).includes(SECRET_CONTENT));
  statements.say(`${name}: a denied prompt is an error`, await fails(client.getPrompt({ name: "jailbreak", arguments: { of: "x" } }), "-32003"));
  statements.say(`${name}: an allowed resource is read`, JSON.stringify(await client.readResource({ uri: "file:///workspace/readme" })).includes(SECRET_CONTENT));
  statements.say(`${name}: a denied resource is an error`, await fails(client.readResource({ uri: "file:///etc/passwd" }), "-32003"));
  statements.say(`${name}: ping is answered`, Object.keys(await client.ping()).length === 0);
  const leaked = destination.bodies.slice(before).filter((body) => /run_shell|jailbreak|passwd/.test(body));
  statements.same(`${name}: nothing of what was denied reached the server`, leaked, []);
}

/** Progress and cancellation: notifications, one each way. */
async function notice({ client }: ConnectedClient, statements: Statements, name: string): Promise<void> {
  const seen: number[] = [];
  await client.callTool({ name: "count", arguments: { to: 3, everyMs: 5 } }, undefined, { onprogress: ({ progress }) => { seen.push(progress); } });
  // An answer in one JSON has no place for notifications; then none may be made up.
  statements.say(`${name}: progress arrives in order`, name.endsWith("JSON") ? seen.every((at, index) => at === index + 1) : JSON.stringify(seen) === "[1,2,3]", seen);
  const stop = new AbortController();
  const running = client.callTool({ name: "count", arguments: { to: 1_000, everyMs: 20 } }, undefined, { signal: stop.signal, timeout: 30_000 });
  setImmediate(() => { stop.abort("enough"); });
  statements.say(`${name}: a call can be cancelled`, await fails(running, "enough"));
}

/** What a server asks of the agent: policy allows elicitation here, and nothing else. */
export async function beAsked(setting: Setting, statements: Statements, name: "Streamable HTTP, events" | "HTTP with SSE"): Promise<void> {
  const opened = setting.destination.streams.length;
  const { client, heard } = await setting.connect(TRANSPORTS[name]);
  await eventually("the stream of the session is open", () => setting.destination.streams.length > opened);
  const user = await client.callTool({ name: "ask_user", arguments: {} }) as CallToolResult;
  statements.say(`${name}: elicitation that is allowed reaches the agent, and its answer the server`, textOf(user).includes("ELICITED"), user);
  const model = await client.callTool({ name: "ask_model", arguments: {} }) as CallToolResult;
  statements.say(`${name}: sampling that is denied is answered by nobody: the server learns so at once`, textOf(model).includes("refused") && textOf(model).includes("-32601"), model);
  const roots = await client.callTool({ name: "ask_roots", arguments: {} }) as CallToolResult;
  statements.say(`${name}: roots that are denied too, on the stream of the session`, textOf(roots).includes("refused"), roots);
  statements.same(`${name}: the agent heard of what is allowed alone`, heard, ["elicitation/create"]);
  await client.close();
}

export function textOf({ content }: CallToolResult): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** True if it rejects with these words. */
export async function fails(running: Promise<unknown>, words: string): Promise<boolean> {
  return await running.then(() => false, (error: unknown) => String(error).includes(words) || JSON.stringify(error).includes(words));
}
