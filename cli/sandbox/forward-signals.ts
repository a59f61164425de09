import { openSync, closeSync } from "node:fs";

/**
 * Passes the signals that this process gets on to COMMAND, until the returned function is called.
 * With a terminal, INT and QUIT are not passed on once COMMAND runs: the terminal has sent them to COMMAND itself already, and twice would be an exit where once was a question.
 * @param isRunning before that, whoever sends is waiting for COMMAND to be there
 */
export function forwardSignals(send: (name: NodeJS.Signals) => void, isRunning: () => boolean = () => true): () => void {
  const typed = hasTerminal();
  const handlers = new Map<NodeJS.Signals, () => void>([
    ["SIGTERM", () => { send("SIGTERM"); }],
    ["SIGHUP", () => { send("SIGHUP"); }],
    ["SIGINT", () => { if (!typed || !isRunning()) send("SIGINT"); }],
    ["SIGQUIT", () => { if (!typed || !isRunning()) send("SIGQUIT"); }],
    ["SIGUSR1", () => { send("SIGUSR1"); }],
    ["SIGUSR2", () => { send("SIGUSR2"); }],
  ]);
  for (const [name, handler] of handlers) process.on(name, handler);
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

/** Whether there is a controlling terminal, wherever standard input comes from (tty(4)). */
function hasTerminal(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
