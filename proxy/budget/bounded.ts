/** Resolves when the work is over, however it ends, or when the time is. */
export async function within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  await Promise.race([work.catch(() => undefined), promise]);
  clearTimeout(timer);
}
