import { createHash } from "node:crypto";

const PREFIX = "weir-";
/** A pod's name becomes its host name, which is a DNS label (RFC 1123 §2.1). */
const NAME_LIMIT = 63;
const READABLE_LIMIT = 40;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/**
 * Name of the one pod that may serve a thread: the API server itself refuses a second one under it. `weir-THREAD` where that is a DNS label of at
 * most 62 characters; else the thread's name is cut and a hash fills it up to exactly 63, so that a cut name never equals an uncut one.
 */
export function podNameOf(threadName: string): string {
  const whole = `${PREFIX}${threadName}`;
  if (whole.length < NAME_LIMIT && LABEL.test(whole)) return whole;
  const readable = threadName.replaceAll(/[^a-z0-9-]/g, "-").slice(0, READABLE_LIMIT);
  const hash = createHash("sha256").update(threadName).digest("hex");
  return `${PREFIX}${readable}-${hash}`.slice(0, NAME_LIMIT);
}

/** Name of the claim behind a volume of a thread. Neither part has a dot, so each pair has a name of its own. */
export function claimNameOf(threadName: string, volume: string): string {
  return `${podNameOf(threadName)}.${volume}`;
}
