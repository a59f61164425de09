/** Aborts on Ctrl-C: the end of following something is what was asked for, and no failure. */
export function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  process.once("SIGINT", () => { interrupted.abort(); });
  process.once("SIGTERM", () => { interrupted.abort(); });
  return interrupted.signal;
}
