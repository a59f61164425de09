import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { request, type Dispatcher } from "undici";
import { Secret } from "../secret.ts";

/** Of a key, in bytes (Standard Webhooks, "Signature scheme"). */
const SHORTEST_KEY_BYTES = 24;
const LONGEST_KEY_BYTES = 64;
const KEY_PREFIX = "whsec_";
/** What a receiver says is not read, but not endless either. */
const ANSWER_LIMIT_BYTES = 16 * 1_024;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 5 * 60_000;

/** A message as it is sent again and again until it is taken: the same id, the same bytes. */
export interface WebhookMessage {
  /** `msg_` and what makes it unique; a receiver that has seen it does nothing twice. */
  readonly id: string;
  readonly body: string;
}

/** Where messages go, and the key that proves whose they are. */
export interface WebhookTarget {
  readonly url: string;
  readonly key: Secret;
  readonly timeoutMs: number;
  readonly dispatcher?: Dispatcher;
}

/** A message id, of 120 random bits. */
export function newMessageId(): string {
  return `msg_${randomBytes(15).toString("base64url")}`;
}

/** Reads a key as Standard Webhooks writes it: `whsec_` and base64. @throws Error, without the key in it */
export function readWebhookKey(text: string): Secret {
  const written = text.trim();
  const encoded = written.startsWith(KEY_PREFIX) ? written.slice(KEY_PREFIX.length) : "";
  const bytes = Buffer.from(encoded, "base64");
  const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded);
  if (!isBase64 || bytes.byteLength < SHORTEST_KEY_BYTES || bytes.byteLength > LONGEST_KEY_BYTES) {
    throw new Error(`a key of webhooks is ${KEY_PREFIX} and base64 of ${SHORTEST_KEY_BYTES} to ${LONGEST_KEY_BYTES} bytes`);
  }
  return new Secret(encoded);
}

/** The three headers of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`. The time is that of the attempt, so that an old attempt cannot be replayed. */
export function signedHeaders(key: Secret, { id, body }: WebhookMessage, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signature = createHmac("sha256", Buffer.from(key.reveal(), "base64")).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
}

/** One attempt. @throws Error unless the receiver answers 2xx in time; redirects are not followed */
export async function deliverOnce({ url, key, timeoutMs, dispatcher }: WebhookTarget, message: WebhookMessage, nowMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { "content-type": "application/json", "user-agent": "weir", ...signedHeaders(key, message, nowMs) };
  const { statusCode, body } = await request(url, { method: "POST", headers, body: message.body, signal, ...(dispatcher === undefined ? {} : { dispatcher }) });
  await body.dump({ limit: ANSWER_LIMIT_BYTES, signal });
  if (statusCode < 200 || statusCode > 299) throw new Error(`the receiver of webhooks answered ${statusCode}`);
}

/** Pause after an attempt that failed, in milliseconds: one second, then twice as long each time, up to five minutes. @param failed attempts so far */
export function pauseAfter(failed: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.max(0, failed - 1));
}

/** Attempts until one is taken. At least once: a receiver whose answer was lost hears it again. @throws the last attempt's error, or the signal's reason */
export async function deliver(target: WebhookTarget, message: WebhookMessage, attempts: number, { nowMs, signal }: { readonly nowMs: () => number; readonly signal: AbortSignal }): Promise<void> {
  for (let failed = 0; ;) {
    try {
      return await deliverOnce(target, message, nowMs());
    } catch (error) {
      failed += 1;
      if (failed >= attempts) throw error;
      await sleep(pauseAfter(failed), undefined, { signal });
    }
  }
}
