import { WeirProblem, type FollowOptions, type Message, type Thread, type ThreadEvent, type WeirClient } from "../../client/client.ts";

/** A message of a thread, said by the agent unless told otherwise. */
export function aMessage(seq: number, over: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`, seq, sender: { role: "agent", name: "reviewer" }, isForAgent: false, body: `say ${seq}`,
    acceptedAt: `2026-01-01T00:00:${String(seq % 60).padStart(2, "0")}.000Z`, acknowledgedAt: null, ...over,
  };
}

export function aThread(over: Partial<Thread> = {}): Thread {
  return {
    namespace: "team", name: "t", uid: "u", agent: "reviewer", user: "alice", title: null, parent: null, chain: [], grants: null, allowance: null, phase: "Running", instance: "weir-t",
    unread: 0, createdAt: "2026-01-01T00:00:00.000Z", lastActivityAt: null, ...over,
  };
}

export function aProblem(status: number, error: string): WeirProblem {
  return new WeirProblem(status, { error, rule: "thread.read", reason: `it is ${error}`, hint: "do something", request_id: "r1" });
}

/** Calls of the API by method and path, with what they were called with. */
export interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly options: { readonly params?: { readonly query?: Record<string, unknown>; readonly header?: Record<string, unknown>; readonly path?: Record<string, string> }; readonly body?: unknown };
}

export interface TalkingClient {
  readonly client: WeirClient;
  readonly calls: SeenCall[];
  readonly followed: FollowOptions[];
}

/** A client whose API answers by a function, and whose threads say what they are told; an Error among the events is thrown. After the last, it waits for the signal. */
export function talkingClient(answer: (call: SeenCall) => unknown, events: readonly (ThreadEvent | Error)[] = []): TalkingClient {
  const calls: SeenCall[] = [];
  const followed: FollowOptions[] = [];
  const call = (method: string) => async (path: string, options: SeenCall["options"]) => {
    const seen = { method, path, options };
    calls.push(seen);
    return { data: answer(seen), response: { status: 200 } };
  };
  const client = {
    api: { GET: call("GET"), POST: call("POST"), DELETE: call("DELETE") },
    async *follow(_thread: unknown, options: FollowOptions) {
      followed.push(options);
      for (const event of events) {
        if (event instanceof Error) throw event;
        yield event;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      if (options.signal?.aborted === true) return;
      options.signal?.addEventListener("abort", () => { resolve(); });
      await promise;
    },
    close: async () => undefined,
  };
  return { client: client as unknown as WeirClient, calls, followed };
}
