import { WeirProblem, type Message, type ThreadEvent, type WeirClient } from "../../client/client.ts";
import { readMessages, type ThreadName } from "./thread-calls.ts";

export interface TailWish {
  /** After this message; 0 is before the first. */
  readonly afterSeq: number;
  /** Only so many of those that are there already. */
  readonly last: number | undefined;
  /** Goes on with what comes. */
  readonly isFollowed: boolean;
  readonly signal: AbortSignal;
}

/** How following came to its end. */
export type TailEnd = "done" | "interrupted" | "thread-ended";

/** Problems that a thread that was there has when it is deleted: whoever owned it may not know about a name that is nobody's. */
const ENDS: ReadonlySet<string> = new Set(["gone", "not-found", "access.denied"]);

/**
 * What was said in a thread, then what is said and what becomes of it, until the signal aborts or the thread ends.
 * @throws WeirProblem if it may not be read, or whatever keeps the first question from an answer; later trouble is waited out
 */
export async function tailThread(client: WeirClient, thread: ThreadName, wish: TailWish, onEvent: (event: ThreadEvent) => void): Promise<TailEnd> {
  const afterSeq = await showPresent(client, thread, wish, onEvent);
  if (!wish.isFollowed) return "done";
  try {
    for await (const event of client.follow(thread, { afterSeq, signal: wish.signal })) onEvent(event);
    return "interrupted";
  } catch (error) {
    if (error instanceof WeirProblem && ENDS.has(error.problem.error)) return "thread-ended";
    throw error;
  }
}

/** @returns `seq` of the last message that is there */
async function showPresent(
  client: WeirClient, thread: ThreadName, { afterSeq, last = Infinity }: TailWish, onEvent: (event: ThreadEvent) => void,
): Promise<number> {
  let seq = afterSeq;
  const kept: Message[] = [];
  for await (const message of readMessages(client, thread, afterSeq)) {
    seq = message.seq;
    kept.push(message);
    if (kept.length > last) kept.shift();
  }
  for (const message of kept) onEvent({ kind: "message", message });
  return seq;
}
