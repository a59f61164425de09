import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { PATHS } from "../../support/mcp/mcp-destination.ts";
import { SECRET_CONTENT } from "../../support/mcp/session-server.ts";
import { post } from "./evasions.ts";
import { fails } from "./sessions.ts";
import { ORIGIN, type Setting } from "./setting.ts";
import type { Statements } from "./statements.ts";

const REVISION = "2026-07-28";

/** The libraries of the stateless era, through the boundary. */
export async function speakStateless(setting: Setting, statements: Statements): Promise<void> {
  const { client, heard } = await connect(setting);
  const say = (sentence: string, holds: boolean, found?: unknown) => { statements.say(`stateless: ${sentence}`, holds, found); };
  say("server and client agree on the revision", client.getNegotiatedProtocolVersion() === REVISION, client.getNegotiatedProtocolVersion());
  const tools = (await client.listTools()).tools.map(({ name }) => name).toSorted();
  say("tools/list shows what may be called", JSON.stringify(tools) === `["ask_model","ask_user","read_file","route"]`, tools);
  const resources = (await client.listResources()).resources.map(({ name }) => name).toSorted();
  say("resources/list shows what may be read", JSON.stringify(resources) === `["readme","umlaut"]`, resources);
  const allowed = await client.callTool({ name: "read_file", arguments: { path: "/workspace/a" } });
  say("an allowed call is answered by the server", JSON.stringify(allowed).includes(SECRET_CONTENT), allowed);
  for (const [what, params] of [["a denied call", { name: "run_shell", arguments: { path: "x" } }], ["an argument outside", { name: "read_file", arguments: { path: "/etc" } }]] as const) {
    const denied = await client.callTool(params);
    say(`${what} is a result that says the rule`, denied.isError === true && JSON.stringify(denied).includes("mcp.proof") && !JSON.stringify(denied).includes(SECRET_CONTENT), denied);
  }
  for (const [region, header] of [["eu", "eu"], ["zürich", `=?base64?${Buffer.from("zürich").toString("base64")}?=`]]) {
    const routed = JSON.stringify(await client.callTool({ name: "route", arguments: { region } }));
    say(`an argument that the library repeats in a header passes: ${header}`, routed.includes(`${SECRET_CONTENT} ${region}`) && setting.destination.headers.at(-1)?.["mcp-param-region"] === header, routed);
  }
  say("an allowed resource is read, whatever letters it has", JSON.stringify(await client.readResource({ uri: "file:///workspace/ä" })).includes(SECRET_CONTENT));
  say("a denied resource is an error", await fails(client.readResource({ uri: "file:///etc/passwd" }), "-32003"));
  const user = await client.callTool({ name: "ask_user", arguments: {} });
  say("what an allowed question in a result needs is asked, and answered", JSON.stringify(user).includes("ELICITED"), user);
  const model = await client.callTool({ name: "ask_model", arguments: {} });
  const told = JSON.stringify(model);
  say("a denied question in a result never reaches the agent", model.isError === true && told.includes("sampling/createMessage") && !told.includes("SAMPLING-TEXT"), model);
  say("the agent heard of what is allowed alone", JSON.stringify(heard) === `["elicitation/create"]`, heard);
  await client.close();
}

interface StatelessClient {
  readonly client: Client;
  readonly heard: string[];
}

async function connect(setting: Setting): Promise<StatelessClient> {
  const heard: string[] = [];
  const client = new Client({ name: "agent", version: "2.0.0" }, { capabilities: { elicitation: { form: {} }, sampling: {} }, versionNegotiation: { mode: { pin: REVISION } } });
  client.setRequestHandler("elicitation/create", ({ method }) => {
    heard.push(method);
    return { action: "accept", content: { name: "ELICITED" } };
  });
  client.setRequestHandler("sampling/createMessage", ({ method }) => {
    heard.push(method);
    return { model: "m", role: "assistant", content: { type: "text", text: "SAMPLED" } };
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(PATHS.stateless, ORIGIN), { fetch: setting.agent("i1").fetch }));
  return { client, heard };
}

const META = `"_meta":{"io.modelcontextprotocol/protocolVersion":"${REVISION}","io.modelcontextprotocol/clientInfo":{"name":"a","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`;
const BODY = `{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{"name":"read_file","arguments":{"path":"/workspace/a"},${META}}}`;
const HEADERS = { "mcp-protocol-version": REVISION, "mcp-method": "tools/call", "mcp-name": "read_file" };

/** Headers by which others route never say something else than the body. */
export async function compareHeaders(setting: Setting, statements: Statements): Promise<void> {
  const right = await post(setting, PATHS.stateless, BODY, HEADERS);
  statements.say("headers that agree with the body pass", right.status === 200 && right.text.includes(SECRET_CONTENT), right);
  const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "another name": { ...HEADERS, "mcp-name": "run_shell" },
    "another method": { ...HEADERS, "mcp-method": "tools/list" },
    "another revision": { ...HEADERS, "mcp-protocol-version": "2025-11-25" },
    "no method": { "mcp-protocol-version": REVISION, "mcp-name": "read_file" },
    "no name": { "mcp-protocol-version": REVISION, "mcp-method": "tools/call" },
    "a parameter of no argument": { ...HEADERS, "mcp-param-path": "/etc/passwd" },
    "a sentinel of nothing": { ...HEADERS, "mcp-name": "=?base64?!?=" },
  };
  for (const [what, headers] of Object.entries(wrong)) {
    const before = setting.destination.bodies.length;
    const { status, text } = await post(setting, PATHS.stateless, BODY, headers);
    const isRefused = status === 400 && text.includes(`"id":41,`) && text.includes("-32020");
    statements.say(`headers that do not are refused with -32020: ${what}`, isRefused && setting.destination.bodies.length === before, `${status} ${text}`);
  }
}
