// The agent of the proofs: for each message it writes a line into its workspace, calls an API and its server of tools, answers, and acknowledges.
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { env } from "node:process";

// As the first process of its container it gets no signal that it does not ask for.
process.once("SIGTERM", () => { process.exit(); });

const { WEIR_API: api, WEIR_THREAD: thread, GITHUB_TOKEN: token, AGENT_MCP_SERVERS: servers = "", HOSTNAME: pod } = env;
const headers = { "content-type": "application/json" };
const tools = servers === "" ? null : `http://127.0.0.1:${servers.split(":")[1]}/`;

async function tell(url, options) {
  try {
    const answer = await fetch(url, options);
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    return { status: 0, text: String(error.cause?.code ?? error.cause ?? error) };
  }
}

const repository = () => tell(`https://api.github.com/repos/weir/${thread}`, { headers: { authorization: `Bearer ${token}` } });

// Agents without a volume have it as long as their pod.
mkdirSync("/workspace", { recursive: true });

async function turn({ id, body }) {
  appendFileSync("/workspace/notes", `${body} in ${pod}\n`);
  const report = {
    repository: await repository(), docs: await tell("https://docs.github.com/"), tools: tools === null ? null : await tell(tools),
    notes: readFileSync("/workspace/notes", "utf8"), token,
  };
  await tell(`${api}/v1/instance/answers`, { method: "POST", headers: { ...headers, "idempotency-key": id }, body: JSON.stringify({ body: JSON.stringify(report) }) });
  console.log(`${body}: ${report.repository.status}`);
  await tell(`${api}/v1/instance/messages/${id}/acknowledge`, { method: "POST", headers, body: "{}" });
}

// What the time to the first byte is measured by.
await repository();
for (;;) {
  const { status, text } = await tell(`${api}/v1/instance/messages?wait=30`);
  if (status !== 200) console.log(`messages: ${status} ${text}`);
  for (const message of status === 200 ? JSON.parse(text).messages : []) await turn(message);
}
