/** Where the agents keep what their user logged in with, below the home; the proof writes a token into each, as a logged-in user has one. */
export const LOGIN_FILES = [".claude/.credentials.json", ".codex/auth.json", ".gemini/oauth_creds.json"] as const;

/**
 * What the model of every stand-in asks an agent to run: it leaves a file, what any process of the agent has in its environment, and what can be read
 * of the logins; the proof searches all of it. The answer must come back to the model, or there is no turn.
 */
export const TASK_COMMAND = [
  "expr 6 \\* 7 > task-result.txt", "cat /proc/[0-9]*/environ > task-processes.txt 2>/dev/null",
  `cat ${LOGIN_FILES.map((file) => `"$HOME/${file}"`).join(" ")} > task-logins.txt 2>&1`, "sed 's/^/task result /' task-result.txt",
].join("; ");

/** What the command prints. */
export const TASK_OUTPUT = /task result 42/;

/** What a client is asked; the stand-ins do not read it. */
export const TASK_PROMPT = "What is six times seven? Use the shell.";

/** The model's last words. A careless model: it says the key that it was asked with, and the boundary must take it out. */
export function lastWords(key: string): readonly string[] {
  return ["The result ", "of the task ", "is 42. ", `You asked with ${key}, `, "by the way."];
}

/** What every client must print in the end. */
export const TURN_COMPLETE = /The result of the task is 42\./;

/** Pieces of a text, as a model streams it. */
export function inPieces(text: string, length = 24): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / length) }, (_, index) => text.slice(index * length, (index + 1) * length));
}
