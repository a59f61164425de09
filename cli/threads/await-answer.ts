import type { Message, Thread, WeirClient } from "../../client/client.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { ThreadName } from "./thread-calls.ts";

export interface Waiting {
  /** `seq` of the message that is to be answered. */
  readonly afterSeq: number;
  readonly timeoutMs: number;
  readonly onChange: (thread: Thread) => void;
  readonly signal: AbortSignal;
}

/**
 * The first thing that the agent says after a message.
 * @returns null if the signal aborted first
 * @throws UserError if there is no answer in time, or none to be expected because the thread is paused
 */
export async function awaitAnswer(client: WeirClient, thread: ThreadName, { afterSeq, timeoutMs, onChange, signal }: Waiting): Promise<Message | null> {
  const late = AbortSignal.timeout(timeoutMs);
  const hint = `See \`weir explain --thread ${thread.name}\`; the answer will be in \`weir threads tail ${thread.name} --after ${afterSeq}\`.`;
  for await (const event of client.follow(thread, { afterSeq, signal: AbortSignal.any([signal, late]) })) {
    if (event.kind === "thread") {
      onChange(event.thread);
      if (event.thread.phase === "Paused") throw new UserError(`the thread ${thread.name} is paused: nothing answers`, hint, EXIT.failure);
    } else if (event.message.sender.role === "agent" && !event.message.isForAgent) {
      return event.message;
    }
  }
  if (signal.aborted) return null;
  throw new UserError(`no answer within ${timeoutMs / 1_000} s`, hint, EXIT.failure);
}
