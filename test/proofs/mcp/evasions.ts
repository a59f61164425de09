import { PATHS } from "../../support/mcp/mcp-destination.ts";
import { SECRET_CONTENT } from "../../support/mcp/session-server.ts";
import { ORIGIN, type Setting } from "./setting.ts";
import type { Statements } from "./statements.ts";

const ACCEPT = "application/json, text/event-stream";

/** One POST without any library. */
export async function post(setting: Setting, path: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly text: string }> {
  const answer = await setting.agent("i1").fetch(new URL(path, ORIGIN), { method: "POST", headers: { "content-type": "application/json", accept: ACCEPT, ...headers }, body });
  return { status: answer.status, text: await answer.text() };
}

const call = (params: string, id = "1") => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`;
const read = (path: string) => call(`{"name":"read_file","arguments":{"path":${path}}}`);

/** Bodies of which none may reach the server: the rule is that `path` lies in `/workspace`. */
const EVASIONS: Readonly<Record<string, string>> = {
  "another folder": read(`"/etc/passwd"`),
  "two dots": read(`"/workspace/../etc/passwd"`),
  "two dots at the end": read(`"/workspace/.."`),
  "two dots, escaped": read(`"/workspace/\\u002e\\u002e/etc/passwd"`),
  "a folder with a longer name": read(`"/workspace-2/a"`),
  "a relative path": read(`"workspace/a"`),
  "two slashes before it": read(`"//workspace/a"`),
  "another case": read(`"/WORKSPACE/a"`),
  "a letter that looks alike": read(`"/w\u043erkspace/a"`),
  "a letter that is composed otherwise": read(`"/workspac\u0065\u0301/a"`),
  "a backslash": read(`"\\\\workspace\\\\a"`),
  "a byte that ends texts": read(`"/workspace/a\\u0000/../../etc"`),
  "a list": read(`["/workspace/a"]`),
  "an object": read(`{"toString":"/workspace/a"}`),
  "a number": read("1"),
  "null": read("null"),
  "no argument": call(`{"name":"read_file","arguments":{}}`),
  "no arguments": call(`{"name":"read_file"}`),
  "one argument more": call(`{"name":"read_file","arguments":{"path":"/workspace/a","root":"/etc"}}`),
  "the argument twice": call(`{"name":"read_file","arguments":{"path":"/workspace/a","path":"/etc/passwd"}}`),
  "the argument twice, the other way round": call(`{"name":"read_file","arguments":{"path":"/etc/passwd","path":"/workspace/a"}}`),
  "the argument twice, once escaped": call(`{"name":"read_file","arguments":{"path":"/workspace/a","p\\u0061th":"/etc/passwd"}}`),
  "the argument in two cases": call(`{"name":"read_file","arguments":{"path":"/workspace/a","Path":"/etc/passwd"}}`),
  "arguments twice": call(`{"name":"read_file","arguments":{"path":"/workspace/a"},"arguments":{"path":"/etc/passwd"}}`),
  "arguments in another case": call(`{"name":"read_file","arguments":{"path":"/workspace/a"},"Arguments":{"path":"/etc/passwd"}}`),
  "the tool twice": call(`{"name":"read_file","name":"run_shell","arguments":{"path":"/workspace/a"}}`),
  "the method twice": `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"run_shell","arguments":{"path":"x"}}}`,
  "the method in another case": `{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"run_shell","arguments":{"path":"x"}}}`,
  "a tool by a prefix": call(`{"name":"read_file/../run_shell","arguments":{"path":"/workspace/a"}}`),
  "a tool with a space after it": call(`{"name":"run_shell ","arguments":{"path":"/workspace/a"}}`),
  "a tool in a list": call(`{"name":["run_shell"],"arguments":{"path":"/workspace/a"}}`),
  "a denied call among allowed ones": `[${read(`"/workspace/a"`)},${call(`{"name":"run_shell","arguments":{"path":"x"}}`, "2")}]`,
  "a call as a notification": `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"run_shell","arguments":{"path":"x"}}}`,
  "a call that is an answer too": `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_shell","arguments":{"path":"x"}},"result":{}}`,
  "another version of JSON-RPC": `{"jsonrpc":"1.0","id":1,"method":"tools/call","params":{"name":"run_shell","arguments":{"path":"x"}}}`,
  "a byte order mark": `\uFEFF${call(`{"name":"run_shell","arguments":{"path":"x"}}`)}`,
  "two bodies in one": `${read(`"/workspace/a"`)}${call(`{"name":"run_shell","arguments":{"path":"x"}}`)}`,
  "no JSON": `name=run_shell`,
  "an unknown method": `{"jsonrpc":"2.0","id":1,"method":"tools/callAll","params":{"name":"run_shell"}}`,
  "two calls of one id": `[${read(`"/workspace/a"`)},${read(`"/workspace/b"`)}]`,
  "two ids that are one double": `[${call(`{"name":"count"}`, "9007199254740993")},${call(`{"name":"count"}`, "9007199254740992")}]`,
  "a number that is another one to who rounds": call(`{"name":"pay","arguments":{"to":9007199254740993}}`),
  "a number that nobody holds": call(`{"name":"pay","arguments":{"to":1e400}}`),
  "an answer to what the server may not ask": `{"jsonrpc":"2.0","id":"e7","result":{"role":"assistant","model":"m","content":{"type":"text","text":"yes"}}}`,
  "an answer of a shape that nobody knows": `{"jsonrpc":"2.0","id":"e7","result":{"sure":true}}`,
  "an answer before it is asked": call(`{"name":"count","inputResponses":{"roots":{"roots":[{"uri":"file:///"}]}}}`),
  "the completion of a prompt that is denied": `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"jailbreak"},"argument":{"name":"of","value":""}}}`,
  "the completion of a resource that is denied": `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"file:///etc/{name}"},"argument":{"name":"name","value":""}}}`,
  "to listen to a resource that is denied": `{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["file:///etc/passwd"]}}}`,
  "a prototype": call(`{"name":"read_file","arguments":{"__proto__":{"path":"/workspace/a"}}}`),
};

/** An argument rule holds against everything that one would try, and nothing of it reaches the server. */
export async function evade(setting: Setting, statements: Statements): Promise<void> {
  for (const path of ["/workspace", "/workspace/a", "/workspace/a/b.txt", "/workspace/..a"]) {
    const { text } = await post(setting, PATHS.sessionless, read(JSON.stringify(path)));
    statements.say(`the path ${path} is read`, text.includes(SECRET_CONTENT), text);
  }
  for (const [what, body] of Object.entries(EVASIONS)) {
    const before = setting.destination.bodies.length;
    const { status, text } = await post(setting, PATHS.sessionless, body);
    const isRefused = (status === 200 && (text.includes("isError") || text.includes("-32003"))) || status === 400 || status === 403;
    statements.say(`refused, and not sent: ${what}`, isRefused && setting.destination.bodies.length === before && !text.includes(SECRET_CONTENT), `${status} ${text}`);
  }
}

/** What has no message to those who read no body of GET, and one to those who do. */
export async function hideInBodies({ stand, destination }: Setting, statements: Statements): Promise<void> {
  const body = call(`{"name":"run_shell","arguments":{"path":"x"}}`);
  for (const method of ["GET", "DELETE"]) {
    const before = destination.streams.length;
    const answer = await stand.ask(method, `${ORIGIN}${PATHS.raw}`, { body, headers: { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) } });
    const isRefused = answer.status === 403 || answer.body.includes("isError");
    statements.say(`refused, and not sent: a call in the body of ${method}`, isRefused && destination.streams.length === before, `${answer.status} ${answer.body}`);
  }
}

/** Posts that fill a stream of which nobody reads: more than any of the buffers between here and there hold. */
const UNREAD_POSTS = 300;

/** An agent that does not read the stream of its session makes nobody keep what it is told there. */
export async function leaveUnread(setting: Setting, statements: Statements): Promise<void> {
  const stream = await setting.agent("i3").fetch(new URL(PATHS.sse, ORIGIN), { headers: { accept: "text/event-stream" } });
  const reader = stream.body?.getReader();
  const endpoint = /data: (\S+)/.exec(Buffer.from((await reader?.read())?.value ?? []).toString())?.[1] ?? "";
  const body = `[${Array.from({ length: 100 }, (_, at) => call(`{"name":"run_shell"}`, `"${String(at).padStart(1_000, "x")}"`)).join(",")}]`;
  const statuses: number[] = [];
  while (statuses.length < UNREAD_POSTS && statuses.at(-1) !== 403) {
    const answer = await setting.agent("i3").fetch(new URL(endpoint, ORIGIN), { method: "POST", headers: { "content-type": "application/json" }, body });
    await answer.arrayBuffer();
    statuses.push(answer.status);
  }
  statements.say("refusals go into the stream as long as it is read, and to whoever posts from then on", statuses[0] === 202 && statuses.at(-1) === 403, statuses);
  await reader?.cancel();
}

const IDS = [`1`, `"1"`, `0`, `-7`, `"a\\u00e4\\"b"`, `""`, `9007199254740993`, `123456789012345678901234567890`, `1.0`, `1e2`];

/** The raw bytes of refusals: an id comes back as it went. */
export async function keepIds(setting: Setting, statements: Statements): Promise<void> {
  for (const id of IDS) {
    const { status, text } = await post(setting, PATHS.sessionless, call(`{"name":"run_shell","arguments":{"path":"x"}}`, id));
    statements.say(`a refused call keeps the id ${id}`, status === 200 && text.startsWith(`{"jsonrpc":"2.0","id":${id.replace("\\u00e4", "ä")},"result":{`), text);
  }
  const cancelled = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`;
  const ping = `{"jsonrpc":"2.0","id":"x","method":"ping"}`;
  const batch = await post(setting, PATHS.sessionless, `[${call(`{"name":"run_shell","arguments":{}}`, "5")},${cancelled},${ping}]`);
  const answers = JSON.parse(batch.text) as { readonly id: unknown }[];
  statements.same("each request of a refused batch is answered by its id", answers.map(({ id }) => id), [5, "x"]);
  const events = await post(setting, PATHS.sessionless, call(`{"name":"run_shell","arguments":{}}`, "6"), { accept: "text/event-stream" });
  statements.say("who takes events alone is answered by one", events.text.startsWith(`event: message\ndata: {"jsonrpc":"2.0","id":6,`), events.text);
  const notification = await post(setting, PATHS.sessionless, `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"run_shell"}}`);
  statements.same("a refused notification is refused by its status", notification.status, 403);
  const malformed = await post(setting, PATHS.sessionless, call(`{"name":"a b"}`, "77"));
  statements.say("what cannot be read is answered by its id too", malformed.status === 400 && malformed.text.includes(`"id":77,`) && malformed.text.includes("-32600"), malformed);
}

/** What a server could say in place of a list: none of it reaches the agent. */
const UNREADABLE: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "no JSON": ["application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"run_shell"}]}`],
  "a list twice": ["application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"run_shell"}]}}`],
  "a list without names": ["application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"title":"run_shell"}]}}`],
  "another shape": ["application/json", `{"jsonrpc":"2.0","id":1,"result":{"tools":{"run_shell":{}}}}`],
  "text": ["text/plain", `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"run_shell"}]}}`],
  "an event that is none": ["text/event-stream", `data: {"tools":[{"name":"run_shell"}]}\n\n`],
  "a list for another request": ["application/json", `{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"run_shell"}]}}`],
  "a list in a batch": ["application/json", `[{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"run_shell"}]}}]`],
  "an event of another type": ["text/event-stream", `event: tools\ndata: {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"run_shell"}]}}\n\n`],
  "lines that end with CR": ["text/event-stream", `data: {"jsonrpc":"2.0","id":1,\rdata: "result":{"tools":[{"name":"run_shell"}]}}\r\r`],
};

export async function failClosed(setting: Setting, statements: Statements): Promise<void> {
  for (const [what, [type, text]] of Object.entries(UNREADABLE)) {
    Object.assign(setting.raw, { type, text });
    const answer = await post(setting, PATHS.raw, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`).catch((error: unknown) => ({ status: 0, text: String(error) }));
    statements.say(`a list never passes unread: ${what}`, !answer.text.includes("run_shell"), `${answer.status} ${answer.text}`);
  }
}
