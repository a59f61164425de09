import { describe, expect, test } from "vitest";
import type { Thread, ThreadEvent } from "../../../../client/client.ts";
import { awaitAnswer } from "../../../../cli/threads/await-answer.ts";
import { aMessage, aThread, talkingClient } from "../../../support/talking-client.ts";

const NAME = { namespace: "team", name: "t" };
const message = (seq: number, over = {}): ThreadEvent => ({ kind: "message", message: aMessage(seq, over) });
const wait = async (events: readonly ThreadEvent[], over: { timeoutMs?: number; signal?: AbortSignal; onChange?: (thread: Thread) => void } = {}) => {
  const { client, followed } = talkingClient(() => null, events);
  const answer = await awaitAnswer(client, NAME, { afterSeq: 4, timeoutMs: 5_000, onChange: () => undefined, signal: new AbortController().signal, ...over });
  return { answer, followed };
};

describe("the answer to a message", () => {
  test("is the first thing that the agent says after it, not what others say to the agent", async () => {
    const toAgent = { sender: { role: "user" as const, name: "bob" }, isForAgent: true };
    const ofChild = { isForAgent: true };
    const { answer, followed } = await wait([message(5, toAgent), message(6, ofChild), message(7), message(8)]);
    expect(answer?.seq).toBe(7);
    expect(followed[0]?.afterSeq).toBe(4);
  });

  test("comes with what becomes of the thread meanwhile", async () => {
    const phases: (string | null)[] = [];
    await wait([{ kind: "thread", thread: aThread({ phase: "Starting" }) }, message(5)], { onChange: ({ phase }) => { phases.push(phase); } });
    expect(phases).toEqual(["Starting"]);
  });

  test("is not waited for in a thread that is paused", async () => {
    await expect(wait([{ kind: "thread", thread: aThread({ phase: "Paused" }) }])).rejects.toMatchObject({
      message: "the thread t is paused: nothing answers", hint: expect.stringContaining("weir explain --thread t"), exitCode: 1,
    });
  });

  test("is given up in time, and says where it will be", async () => {
    await expect(wait([], { timeoutMs: 10 })).rejects.toMatchObject({ message: "no answer within 0.01 s", hint: expect.stringContaining("weir threads tail t --after 4") });
  });

  test("is nothing if the person who waits goes away", async () => {
    expect((await wait([], { signal: AbortSignal.abort() })).answer).toBeNull();
  });
});
