/**
 * Resolves at the first SIGTERM or SIGINT. A second one ends the process at once, for a person who does not want to wait.
 * @param onReload called for each SIGHUP
 */
export async function untilStopSignal(onReload: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = () => { resolve(); };
  process.on("SIGHUP", onReload);
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  await promise;
  process.once("SIGTERM", () => process.exit(143));
  process.once("SIGINT", () => process.exit(130));
}
