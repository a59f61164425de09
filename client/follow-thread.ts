import { setTimeout as pause } from "node:timers/promises";
import { fetch, type Dispatcher } from "undici";
import type { Message, Thread } from "./objects.ts";
import { problemFrom, WeirProblem } from "./problem.ts";
import { readServerSentEvents } from "./server-sent-events.ts";

/** A message of the thread, in order and once each; or the thread as it is after a change. */
export type ThreadEvent = { readonly kind: "message"; readonly message: Message } | { readonly kind: "thread"; readonly thread: Thread };

export interface FollowOptions {
  /** `seq` of the last message that is known; default 0, before the first. */
  readonly afterSeq?: number;
  readonly signal?: AbortSignal;
}

export interface Connection {
  readonly url: string;
  readonly dispatcher: Dispatcher;
  readonly authorization: () => Promise<string>;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const ERROR_LIMIT_BYTES = 64 << 10;

/**
 * Follows a thread until the signal aborts, across streams that end and connections that break.
 * @throws WeirProblem if the API refuses, at once or later on: whoever may not read, or no longer, is not asked to try again
 */
export async function* followThread(
  connection: Connection, thread: { readonly namespace: string; readonly name: string }, options: FollowOptions,
): AsyncGenerator<ThreadEvent, void> {
  const { signal = new AbortController().signal } = options;
  const url = `${connection.url}/v1/namespaces/${encodeURIComponent(thread.namespace)}/threads/${encodeURIComponent(thread.name)}/events`;
  let afterSeq = options.afterSeq ?? 0;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      for await (const event of oneStream(connection, url, afterSeq, signal)) {
        pauseMs = FIRST_PAUSE_MS;
        if (event.kind === "message") afterSeq = event.message.seq;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) throw error;
    }
    await pause(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

async function* oneStream({ dispatcher, authorization }: Connection, url: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<ThreadEvent, void> {
  const headers = { authorization: await authorization(), accept: "text/event-stream", "last-event-id": String(afterSeq) };
  const response = await fetch(url, { dispatcher, headers, signal, redirect: "error" });
  if (response.status !== 200 || response.body === null) throw problemFrom(response.status, (await response.text()).slice(0, ERROR_LIMIT_BYTES));
  for await (const { event, data } of readServerSentEvents(response.body)) {
    if (event === "message") yield { kind: "message", message: JSON.parse(data) as Message };
    else if (event === "thread") yield { kind: "thread", thread: JSON.parse(data) as Thread };
    else if (event === "problem") throw problemFrom(statusOf(data), data);
  }
}

/** The status is not in the event; what it stands for is whether trying again helps. */
function statusOf(problem: string): number {
  return /"error":"(unavailable|timeout|internal|rate\.limited)"/.test(problem) ? 503 : 403;
}

function isFinal(error: unknown): boolean {
  return error instanceof WeirProblem && error.status < 500 && error.status !== 429;
}
