// What both agents of the playbook need of the in-pod contract.
import { setTimeout as pause } from "node:timers/promises";

const { WEIR_API = "https://weir.internal" } = process.env;
const KEEP_ALIVE_MS = 10_000;
const RETRY_MS = 2_000;

/** One call. It carries no token: the boundary says who calls. @throws Error with `status` and the rule that refused */
export async function weir(method, path, { body, key, signal } = {}) {
  const content = body && { body: JSON.stringify(body) };
  const headers = { ...(body && { "content-type": "application/json" }), ...(key && { "idempotency-key": key }) };
  const limit = AbortSignal.timeout(90_000);
  const response = await fetch(`${WEIR_API}/v1/instance${path}`, { method, headers, ...content, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(`${answer.reason} (${answer.rule ?? answer.error}); ${answer.hint}`), { status: response.status });
  return answer;
}

/**
 * Takes message after message until SIGTERM, or until the thread is gone. @param turn gets a message, and resolves to the text of the answer and, if
 * there is something left to do after the acknowledgement, `after`
 */
export async function serve(turn) {
  const stop = new AbortController();
  process.once("SIGTERM", () => { stop.abort(); });
  while (!stop.signal.aborted) {
    try {
      const { messages: [message] } = await weir("GET", "/messages?limit=1&wait=50", { signal: stop.signal });
      if (message !== undefined) await take(message, turn);
    } catch (error) {
      if (stop.signal.aborted || error.status === 410) return;
      console.error(error.message);
      await pause(RETRY_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  }
}

async function take(message, turn) {
  const keepAlive = setInterval(() => { weir("POST", "/keepalive").catch(() => {}); }, KEEP_ALIVE_MS);
  try {
    const { answer, after = async () => {} } = await turn(message);
    await weir("POST", "/answers", { body: { body: answer }, key: `answer-${message.id}` });
    await weir("POST", `/messages/${message.id}/acknowledge`);
    await after();
  } finally {
    clearInterval(keepAlive);
  }
}
