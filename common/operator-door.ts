import { join } from "node:path";
import * as z from "zod";

const name = z.string().min(1).max(256);

/** What `weir revoke` asks of a running proxy: those credentials of whom all that is given is true; with nothing given, all. */
export const revokeRequest = z.strictObject({ grant: name.optional(), instance: name.optional(), thread: name.optional() });
export type RevokeRequest = z.output<typeof revokeRequest>;

/** `dropped`: secrets that were in hand. `isConfirmed`: whether the stores have confirmed that all leases are taken back. */
export const revokeAnswer = z.strictObject({ dropped: z.number().int().nonnegative(), isConfirmed: z.boolean() });
export type RevokeAnswer = z.output<typeof revokeAnswer>;

/** Threads that one answer about usage lists: those that were active last. */
export const USAGE_LIMIT = 500;

const count = z.number().int().nonnegative();
/** Decimal digits: sums of money and tokens outgrow a JSON number. */
const amount = z.string().regex(/^\d{1,38}$/);

/** What a thread has used since the proxy started, as `weir top` shows it. */
export const threadUsage = z.strictObject({
  namespace: z.string(), agent: z.string(), thread: z.string(),
  /** That answered last; empty while none has. */
  model: z.string(),
  requests: count, refusals: count, tokens: amount, nanoUsd: amount,
  /** Connections and requests that are open now. */
  open: count,
});
export type ThreadUsage = z.output<typeof threadUsage>;

/** The answer to `GET /usage`. Only counts: whoever asks changes nothing. */
export const usageAnswer = z.strictObject({ threads: z.array(threadUsage).max(USAGE_LIMIT) });
export type UsageAnswer = z.output<typeof usageAnswer>;

/**
 * Folder of the Unix sockets at which the running proxies of a state directory take orders, one for each. The folder has mode 0700: who may
 * enter it may read the proxy's keys as well. No port leads there, and no agent sees the folder.
 */
export function operatorFolder(stateDirectory: string): string {
  return join(stateDirectory, "operator");
}
