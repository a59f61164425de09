import { afterEach, beforeEach, expect, test } from "vitest";
import { forwardSignals } from "../../../../cli/sandbox/forward-signals.ts";

let sent: string[];
let stop: () => void;
beforeEach(() => {
  sent = [];
  stop = forwardSignals((name) => { sent.push(name); });
});
afterEach(() => { stop(); });

test("what is sent to weir alone is passed on to the command", () => {
  for (const name of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) process.emit(name);
  expect(sent).toEqual(["SIGHUP", "SIGUSR1", "SIGUSR2"]);
});

test("after the command has ended nothing is passed on, and weir has its own signals again", () => {
  const whileRunning = process.listenerCount("SIGHUP");
  stop();
  process.emit("SIGUSR2");
  expect(sent).toEqual([]);
  expect(process.listenerCount("SIGHUP")).toBe(whileRunning - 1);
});

test("before the command runs every signal waits for it, whatever a terminal does", () => {
  stop();
  stop = forwardSignals((name) => { sent.push(name); }, () => false);
  for (const name of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.emit(name);
  expect(sent).toEqual(["SIGTERM", "SIGINT", "SIGQUIT"]);
});
