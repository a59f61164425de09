import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { PATHS } from "../../support/mcp/mcp-destination.ts";
import { SECRET_CONTENT } from "../../support/mcp/session-server.ts";
import { eventually, exchangesOf } from "../../support/whole-proxy.ts";
import { textOf } from "./sessions.ts";
import { policyWith, RULES, type Setting } from "./setting.ts";
import type { Statements } from "./statements.ts";

/** A server that has more tools than before says so, and the list is filtered again. */
export async function growList(setting: Setting, statements: Statements): Promise<void> {
  const { client } = await setting.connect(PATHS.events);
  let changes = 0;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => { changes += 1; });
  await eventually("the stream of the session is open", () => setting.destination.streams.includes(PATHS.events));
  await client.callTool({ name: "grow", arguments: {} });
  await eventually("the agent hears of it", () => changes > 0);
  const grown = (await client.listTools()).tools.map(({ name }) => name).filter((name) => name.startsWith("grown"));
  statements.same("list_changed arrives, and the longer list is filtered", grown, ["grown_ok"]);
  await client.close();
}

/** A session whose connections break in the middle of a call gets its answer from where it was. */
export async function resume(setting: Setting, statements: Statements): Promise<void> {
  const { client } = await setting.connect(PATHS.events);
  const seen: number[] = [];
  const running = client.callTool({ name: "count", arguments: { to: 20, everyMs: 20 } }, undefined, { onprogress: ({ progress }) => { seen.push(progress); }, timeout: 20_000 });
  await eventually("some progress arrived", () => seen.length >= 3);
  setting.destination.dropConnections();
  const answer = await running as CallToolResult;
  statements.same("a call whose stream broke is resumed by Last-Event-ID, and answered", textOf(answer), "counted");
  statements.say("nothing of it is lost or comes twice", seen.every((at, index) => at === index + 1) && seen.length === 20, seen);
  const [tools] = await Promise.all([client.listTools(), client.ping()]);
  statements.say("the session is filtered as before", tools.tools.every(({ name }) => name !== "run_shell"));
  await client.close();
}

const AGENTS = 2;
const CALLS = 40;

/** Two agents at once, over both old transports: nobody gets what another asked. */
export async function keepApart(setting: Setting, statements: Statements): Promise<void> {
  for (const path of [PATHS.sse, PATHS.events]) {
    const results = await Promise.all(Array.from({ length: AGENTS }, async (_, agent) => {
      const { client } = await setting.connect(path, `i${agent + 1}`);
      const answers = await Promise.all(Array.from({ length: CALLS }, async (_none, index) => {
        const wanted = `/workspace/${agent}/${index}`;
        const isDenied = index % 2 === 1;
        const answer = await client.callTool({ name: isDenied ? "write_file" : "read_file", arguments: { path: wanted } }) as CallToolResult;
        return isDenied ? answer.isError === true && !textOf(answer).includes(SECRET_CONTENT) : textOf(answer).endsWith(JSON.stringify(wanted));
      }));
      await client.close();
      return answers.every(Boolean);
    }));
    statements.same(`${AGENTS} agents at ${path}, ${CALLS} calls each at once: each gets its own answers and refusals`, results, [true, true]);
  }
}

/** Policy changes while a session is open: from then on it is what holds. */
export async function changePolicy(setting: Setting, statements: Statements): Promise<void> {
  for (const path of [PATHS.events, PATHS.sse]) {
    const { client } = await setting.connect(path);
    const loads = () => setting.stand.records.filter((record) => record.kind === "lifecycle" && record.event === "policy.loaded").length;
    const change = async (rules: object) => {
      const before = loads();
      setting.policy.write(policyWith(rules));
      await eventually("the policy is in force", () => loads() > before);
    };
    await change({ ...RULES, tools: ["write_file"] });
    statements.same(`${path}: an open session sees the list of today`, (await client.listTools()).tools.map(({ name }) => name), ["write_file"]);
    const now = await client.callTool({ name: "write_file", arguments: { path: "x" } }) as CallToolResult;
    statements.say(`${path}: what is allowed now is answered`, textOf(now).includes(SECRET_CONTENT), now);
    const before = await client.callTool({ name: "read_file", arguments: { path: "/workspace/a" } }) as CallToolResult;
    statements.say(`${path}: what was allowed before is refused`, before.isError === true, before);
    await change(RULES);
    await client.close();
  }
}

/** What was taken out is in the records. */
export function lookAtRecords({ stand }: Setting, statements: Statements): void {
  const closed = exchangesOf(stand.records, "closed");
  statements.say("records say how many entries of lists were hidden", closed.some(({ mcpFiltered }) => (mcpFiltered?.hidden ?? 0) > 0));
  statements.say("records name what a server asked and the agent never saw", closed.some(({ mcpFiltered }) => mcpFiltered?.withheld.includes("sampling/createMessage") === true));
  const denied = closed.filter(({ outcome }) => outcome === "denied");
  statements.say("every refusal is in the records with the rule", denied.length > 0 && denied.every(({ error }) => (error?.rule ?? "") !== ""));
}
