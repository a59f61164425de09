// Puts a stock command-line agent behind a thread: each message is a prompt on the command's standard input, what it prints is the answer.
//   wrapper.mjs claude -p        wrapper.mjs codex exec -        wrapper.mjs llm        wrapper.mjs some-tool -- {prompt}
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const { WEIR_API = "https://weir.internal", TURN_LIMIT_SECONDS = "1800" } = process.env;
const [command, ...words] = process.argv.slice(2);
const OUTPUT_LIMIT_BYTES = 16 << 20;
const ANSWER_LIMIT_BYTES = 256 << 10;
const KEEP_ALIVE_MS = 10_000;
const stop = new AbortController();
process.once("SIGTERM", () => { stop.abort(); });

async function weir(method, path, { body, key, signal } = {}) {
  const content = body && { body: JSON.stringify(body) };
  const headers = { ...(body && { "content-type": "application/json" }), ...(key && { "idempotency-key": key }) };
  const limit = AbortSignal.timeout(90_000);
  const response = await fetch(`${WEIR_API}/v1/instance${path}`, { method, headers, ...content, signal: signal ? AbortSignal.any([signal, limit]) : limit });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(`${path}: ${answer.reason} (${answer.rule ?? answer.error}); ${answer.hint}`), { status: response.status });
  return answer;
}

/** What the command prints for a prompt; what it says when it fails is an answer, too. @throws AbortError if it was stopped, so that the turn is repeated */
async function ask(prompt) {
  const isArgument = words.includes("{prompt}");
  const running = promisify(execFile)(command, words.map((word) => (word === "{prompt}" ? prompt : word)), {
    timeout: Number(TURN_LIMIT_SECONDS) * 1_000, maxBuffer: OUTPUT_LIMIT_BYTES, signal: stop.signal,
  });
  // A command may end without having read its prompt.
  running.child.stdin.on("error", () => {}).end(isArgument ? "" : prompt);
  try {
    return (await running).stdout;
  } catch (error) {
    if (stop.signal.aborted) throw error;
    return `${command} failed (${error.killed ? `no answer within ${TURN_LIMIT_SECONDS} s` : error.code}).\n${(error.stderr ?? "").slice(-2_000)}`;
  }
}

/** Text that a message may hold: at most 256 KiB of UTF-8, not empty, no NUL. */
function fit(text) {
  const clean = text.trim().replaceAll("\0", "").toWellFormed();
  if (clean === "") return "(The command printed nothing.)";
  if (Buffer.byteLength(clean) <= ANSWER_LIMIT_BYTES) return clean;
  const note = "\n(The rest is cut off.)";
  return Buffer.from(clean).subarray(0, ANSWER_LIMIT_BYTES - note.length - 3).toString().replace(/\uFFFD$/, "") + note;
}

async function nextTurn() {
  const { messages: [message] } = await weir("GET", "/messages?limit=1&wait=50", { signal: stop.signal });
  if (message === undefined) return;
  // For whoever watches the thread: a command that thinks does not look asleep.
  const keepAlive = setInterval(() => { weir("POST", "/keepalive").catch(() => {}); }, KEEP_ALIVE_MS);
  const answer = fit(await ask(message.body).finally(() => { clearInterval(keepAlive); }));
  await weir("POST", "/answers", { body: { body: answer }, key: `answer-${message.id}` });
  await weir("POST", `/messages/${message.id}/acknowledge`);
}

if (command === undefined) throw new Error("Call it with the command that answers prompts: wrapper.mjs COMMAND [ARGUMENT...]");
while (!stop.signal.aborted) {
  try {
    await nextTurn();
  } catch (error) {
    if (stop.signal.aborted || error.status === 410) break;
    console.error(error.message);
    await pause(2_000, undefined, { signal: stop.signal }).catch(() => {});
  }
}
