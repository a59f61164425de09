// An agent without an SDK: it takes the messages of its thread one by one, asks an HTTPS API through its boundary, answers, and acknowledges.
import { setTimeout as pause } from "node:timers/promises";

const { WEIR_API = "https://weir.internal", GITHUB_API = "https://api.github.com" } = process.env;
const stop = new AbortController();
process.once("SIGTERM", () => { stop.abort(); });

/** One call of the in-pod contract. It carries no token: the boundary says who calls. */
async function weir(method, path, { body, key, signal } = {}) {
  const content = body && { body: JSON.stringify(body) };
  const headers = { ...(body && { "content-type": "application/json" }), ...(key && { "idempotency-key": key }) };
  const limit = AbortSignal.timeout(90_000);
  const response = await fetch(`${WEIR_API}/v1/instance${path}`, { method, headers, ...content, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(`${path}: ${answer.reason} (${answer.rule ?? answer.error}); ${answer.hint}`), { status: response.status });
  return answer;
}

/** The work: `OWNER/REPO#12` becomes the state of that issue. The token is the boundary's; this program never sees it. */
async function turn(text) {
  const [, repository, number] = /^\s*([\w.-]+\/[\w.-]+)#(\d+)\s*$/.exec(text) ?? [];
  if (repository === undefined) return "Name an issue, such as nodejs/node#1.";
  const response = await fetch(`${GITHUB_API}/repos/${repository}/issues/${number}`, { signal: AbortSignal.timeout(30_000) });
  const issue = await response.json();
  // What the boundary refuses says why, and what to do about it.
  if (!response.ok) return `${repository}#${number}: ${response.status} ${issue.reason ?? issue.message} ${issue.hint ?? ""}`.trim();
  return `${repository}#${number}: ${issue.title} (${issue.state})`;
}

async function nextTurn() {
  const { messages: [message] } = await weir("GET", "/messages?limit=1&wait=50", { signal: stop.signal });
  if (message === undefined) return;
  const answer = await turn(message.body).catch((error) => `That did not work: ${error.message}`);
  // The key makes a repeated turn answer once. The acknowledgement comes last: a turn that is cut short is repeated.
  await weir("POST", "/answers", { body: { body: answer }, key: `answer-${message.id}` });
  await weir("POST", `/messages/${message.id}/acknowledge`);
}

while (!stop.signal.aborted) {
  try {
    await nextTurn();
  } catch (error) {
    // The thread is gone, and so are we.
    if (stop.signal.aborted || error.status === 410) break;
    console.error(error.message);
    await pause(2_000, undefined, { signal: stop.signal }).catch(() => {});
  }
}
