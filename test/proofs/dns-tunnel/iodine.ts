import type { Namespace } from "./namespaces.ts";
import { PASSWORD, RESOLVER, ZONE } from "./outside.ts";

/** How one attempt to open a tunnel goes about it. */
export interface Attempt {
  /** Record type that carries the data; null lets iodine find one that gets through. */
  readonly type: string | null;
  readonly extra: readonly string[];
}

/** Every type that iodine 0.7 can carry data in. */
export const TYPES = ["NULL", "PRIVATE", "TXT", "SRV", "MX", "CNAME", "A"] as const;

export function describeAttempt({ type, extra }: Attempt): string {
  return `${type === null ? "type of its choice" : `type ${type}`}${extra.length === 0 ? "" : ` ${extra.join(" ")}`}`;
}

/**
 * Runs the client until it ends, its tunnel is up, or the time is over. `isUp`: the client was let in and has configured its device.
 * The client goes on running when its tunnel is up; it ends with the namespace.
 */
export async function openTunnel(inside: Namespace, { type, extra }: Attempt, deadlineMs: number): Promise<{ readonly isUp: boolean; readonly said: string }> {
  const client = inside.start("iodine", "-f", "-P", PASSWORD, ...(type === null ? [] : ["-T", type]), ...extra, RESOLVER, ZONE);
  let said = "";
  const { promise, resolve } = Promise.withResolvers<boolean>();
  client.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes("Connection setup complete")) resolve(true);
  });
  client.stdout?.resume();
  client.once("close", () => { resolve(false); });
  const timer = setTimeout(() => { resolve(false); }, deadlineMs);
  const isUp = await promise;
  clearTimeout(timer);
  if (!isUp && client.exitCode === null) client.kill("SIGKILL");
  return { isUp, said };
}
