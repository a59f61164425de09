import { readFileSync } from "node:fs";
import { Agent } from "undici";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Secret } from "../../common/secret.ts";
import { oneLine } from "../terminal-text.ts";

const DEADLINE_MS = 60_000;
const WORDS_LIMIT_BYTES = 2_048;

export interface PushTarget {
  readonly url: URL;
  readonly token: Secret | null;
  /** PEM file with the roots that may vouch for the server; null: the public ones. */
  readonly caFile: string | null;
}

/**
 * Publishes a bundle on a server: looks which one is there, and replaces that one and no other.
 * @returns the server's line
 * @throws UserError if the server does not take it
 */
export async function pushBundle(packed: Buffer, { url, token, caFile }: PushTarget): Promise<string> {
  const agent = new Agent({ connect: { minVersion: "TLSv1.2", ...(caFile === null ? {} : { ca: readFileSync(caFile) }) } });
  const authorization = token === null ? {} : { authorization: `Bearer ${token.reveal()}` };
  const target = { origin: url.origin, path: url.pathname, signal: AbortSignal.timeout(DEADLINE_MS) };
  try {
    const seen = await agent.request({ ...target, method: "HEAD", headers: authorization });
    await seen.body.dump();
    const { etag } = seen.headers;
    if (seen.statusCode !== 200 && seen.statusCode !== 404) throw refusal(url, `answered ${seen.statusCode}`);
    if (seen.statusCode === 200 && typeof etag !== "string") throw refusal(url, "names no ETag for what is there");
    const condition = typeof etag === "string" && seen.statusCode === 200 ? { "if-match": etag } : { "if-none-match": "*" };
    const { statusCode, body } = await agent.request({ ...target, method: "PUT", body: packed, headers: { "content-type": "application/gzip", ...condition, ...authorization } });
    const words = oneLine(await textOf(body));
    if (statusCode < 200 || statusCode > 299) throw refusal(url, `answered ${statusCode}: ${words}`);
    return words;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${url.href} does not answer`, "Check the address, --ca-file and --token-file.", EXIT.unavailable, { cause });
  } finally {
    await agent.destroy();
  }
}

function refusal(url: URL, what: string): UserError {
  return new UserError(`${url.href} ${what}`, "The bundle that was there stays.", EXIT.failure);
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of body) {
    text += chunk.toString("utf8");
    if (text.length > WORDS_LIMIT_BYTES) return `${text.slice(0, WORDS_LIMIT_BYTES)}…`;
  }
  return text.trim();
}
