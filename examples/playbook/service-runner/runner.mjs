// Runs a job for each message. It has no way to tell anybody but its thread: when a job fails, it spawns an agent that has.
//   runner.mjs COMMAND [ARGUMENT...]       the message is the command's standard input; exit code 0 is success
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { serve, weir } from "../weir.mjs";

const [command, ...words] = process.argv.slice(2);
const JOB_LIMIT_MS = 600_000;
const NOTIFIER_LIMIT_MS = 120_000;
const POLL_MS = 1_000;

async function runJob(text) {
  const running = promisify(execFile)(command, words, { timeout: JOB_LIMIT_MS });
  running.child.stdin.on("error", () => {}).end(text);
  return running.then(
    ({ stdout }) => ({ isDone: true, report: stdout.trim() }),
    ({ code, stderr = "" }) => ({ isDone: false, report: `${stderr.trim().slice(-2_000)} (exit code ${code})` }),
  );
}

/** What the notifier answered; null if it took too long. */
async function answerOf(child) {
  for (const untilMs = Date.now() + NOTIFIER_LIMIT_MS; Date.now() < untilMs; await pause(POLL_MS)) {
    const { messages } = await weir("GET", `/children/${child}/messages`);
    const answer = messages.find(({ isForAgent }) => !isForAgent);
    if (answer !== undefined) return answer.body;
  }
  return null;
}

async function notify(message, report) {
  // The child gets the chat grant and nothing else. The key makes it one child, however often the turn is repeated.
  const wish = { agent: "notifier", grants: ["chat"], title: "A job failed", message: `The job "${message.body}" failed: ${report}` };
  const { thread } = await weir("POST", "/threads", { body: wish, key: `notify-${message.id}` });
  const said = await answerOf(thread.name);
  if (said === null) return { answer: `Failed: ${report}\nThe notifier (${thread.name}) has not answered yet.` };
  return { answer: `Failed: ${report}\nThe notifier says: ${said}`, after: async () => weir("DELETE", `/children/${thread.name}`) };
}

await serve(async (message) => {
  const { isDone, report } = await runJob(message.body);
  if (isDone) return { answer: `Done: ${report}` };
  return notify(message, report).catch((error) => {
    // Worth another try, unless it was refused.
    if (![400, 403, 404, 409, 413, 422].includes(error.status)) throw error;
    return { answer: `Failed: ${report}\nNobody could be told: ${error.message}` };
  });
});
