import { setTimeout as pause } from "node:timers/promises";
import { dataOf, WeirProblem, type Message, type Thread, type ThreadWish, type WeirClient } from "../../client/client.ts";
import { lostConnection } from "../cluster/controller-client.ts";

export interface ThreadName {
  readonly namespace: string;
  readonly name: string;
}

const PAGE = 100;
/** Pauses between the tries of a call that may be repeated because it carries a key, in milliseconds. */
const AGAIN_MS = [200, 1_000, 3_000] as const;

/** The newest threads that the caller may see. */
export async function listThreads(
  { api }: WeirClient, { namespace, agent, limit }: { readonly namespace: string; readonly agent: string | undefined; readonly limit: number },
): Promise<Thread[]> {
  const threads: Thread[] = [];
  let after: string | null = null;
  do {
    const query: { limit: number; agent?: string; after?: string } = {
      limit: Math.min(PAGE, limit - threads.length), ...(agent === undefined ? {} : { agent }), ...(after === null ? {} : { after }),
    };
    const page = dataOf(await api.GET("/v1/namespaces/{namespace}/threads", { params: { path: { namespace }, query } }));
    threads.push(...page.threads);
    after = page.next;
  } while (after !== null && threads.length < limit);
  return threads;
}

/** All messages after one. */
export async function* readMessages({ api }: WeirClient, { namespace, name }: ThreadName, afterSeq: number): AsyncGenerator<Message> {
  for (let after = afterSeq; ;) {
    const { messages } = dataOf(
      await api.GET("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path: { namespace, thread: name }, query: { after, limit: PAGE } } }),
    );
    yield* messages;
    const last = messages.at(-1);
    if (last === undefined || messages.length < PAGE) return;
    after = last.seq;
  }
}

/** Opens a thread; with one key it is one thread, however often it is asked for. */
export async function openThread({ api }: WeirClient, namespace: string, wish: ThreadWish, key: string): Promise<Thread> {
  const open = async () => dataOf(
    await api.POST("/v1/namespaces/{namespace}/threads", { params: { path: { namespace }, header: { "idempotency-key": key } }, body: wish }),
  );
  return (await patiently(open)).thread;
}

/** Posts a message; with one key it is one message, however often it is sent. */
export async function postMessage({ api }: WeirClient, { namespace, name }: ThreadName, body: string, key: string): Promise<Message> {
  const params = { path: { namespace, thread: name }, header: { "idempotency-key": key } };
  const post = async () => dataOf(await api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", { params, body: { body } }));
  return (await patiently(post)).message;
}

/** Tries again what may come right by itself: the call carries a key. @throws what the last try met with */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (const pauseMs of AGAIN_MS) {
    try {
      return await call();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await pause(pauseMs);
    }
  }
  return call();
}

/** A certificate that does not fit today does not fit tomorrow. */
function isPassing(error: unknown): boolean {
  if (error instanceof WeirProblem) return error.status >= 500 || error.status === 429;
  return /^(ECONN|EPIPE|ETIMEDOUT|UND_ERR)/.test(lostConnection(error) ?? "");
}
