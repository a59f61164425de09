import type { Caller } from "../access/access.ts";
import type { Message } from "../threads/thread-store.ts";
import { callerKey, type RouteParts } from "./context.ts";
import { requireThread, type KnownThread, type ObjectName } from "./known.ts";
import { CALL_LIMITS } from "./limits.ts";
import { problemOf } from "./problem.ts";
import { viewOfMessage, viewOfThread } from "./views.ts";
import type { Wait } from "./waiting.ts";

export interface Following {
  readonly caller: Caller;
  readonly name: ObjectName;
  /** Messages after this one. */
  readonly afterSeq: number;
  readonly requestId: string;
}

/**
 * What happens to a thread, as server-sent events (WHATWG HTML §9.2): `message` with the message's `seq` as its id, so that a client that
 * resumes with Last-Event-ID misses none; `thread`, without an id, with the thread as it is now, first and after each change; `problem` before it ends
 * early. Nothing is read ahead of what the client takes. Access is asked again before each look at the messages: a stream does not
 * outlive its permission.
 */
export async function* followThread(parts: RouteParts, following: Following, known: KnownThread, wait: Wait): AsyncGenerator<string, void> {
  const endsAtMs = parts.clock.monotonicMs() + parts.config.streamMs;
  let position = { seq: following.afterSeq, state: "" };
  let current = known;
  try {
    while (!wait.signal.aborted && parts.clock.monotonicMs() < endsAtMs) {
      const batch = await parts.store.messages(current.row.uid, { afterSeq: position.seq, limit: CALL_LIMITS.streamed });
      const state = JSON.stringify(viewOfThread(current.thread, current.row.createdAtMs, await parts.store.demand(current.row.uid)));
      yield [state === position.state ? "" : event("thread", state), ...batch.map(messageEvent)].join("") || ": nothing new\n\n";
      position = { seq: batch.at(-1)?.seq ?? position.seq, state };
      if (batch.length < CALL_LIMITS.streamed) await wait.next(Math.min(parts.config.heartbeatMs, parts.config.pollIntervalMs));
      current = await requireThread(parts, following.caller, following.name, { action: "thread.read" });
      if (current.row.uid !== known.row.uid) return;
    }
  } catch (error) {
    yield event("problem", JSON.stringify(problemOf(error).body(following.requestId)));
  } finally {
    wait.close();
  }
}

/** Access first, then the wait, then the first look: in this order nothing is shown too early and nothing missed. */
export async function openEventStream(parts: RouteParts, following: Following, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const known = await requireThread(parts, following.caller, following.name, { action: "thread.read" });
  const wait = parts.waiting.open(known.row.uid, callerKey(following.caller), signal);
  return bytesOf(followThread(parts, following, known, wait), wait);
}

/** Pulled, never pushed: a client that does not read holds one event and no more. */
function bytesOf(events: AsyncGenerator<string, void>, wait: Wait): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await events.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      wait.close();
      await events.return();
    },
  }, { highWaterMark: 0 });
}

function messageEvent(message: Message): string {
  return event("message", JSON.stringify(viewOfMessage(message)), message.seq);
}

/** JSON has no line break of its own, so that one data line is enough. */
function event(name: string, data: string, id?: number): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
}
