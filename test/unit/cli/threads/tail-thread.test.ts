import { describe, expect, test } from "vitest";
import type { ThreadEvent } from "../../../../client/client.ts";
import { tailThread, type TailWish } from "../../../../cli/threads/tail-thread.ts";
import { aMessage, aProblem, aThread, talkingClient } from "../../../support/talking-client.ts";

const NAME = { namespace: "team", name: "t" };
const THERE = [1, 2, 3].map((seq) => aMessage(seq));

async function tail(wish: Partial<TailWish>, events: readonly (ThreadEvent | Error)[] = [], there = THERE) {
  const seen: ThreadEvent[] = [];
  const { client, followed } = talkingClient(({ options }) => ({ messages: there.filter(({ seq }) => seq > Number(options.params?.query?.["after"])) }), events);
  const end = await tailThread(client, NAME, { afterSeq: 0, last: undefined, isFollowed: true, signal: AbortSignal.abort(), ...wish }, (event) => { seen.push(event); });
  return { end, followed, seqs: seen.map((event) => (event.kind === "message" ? event.message.seq : event.thread.phase)) };
}

describe("the tail of a thread", () => {
  test("is what is there, then what comes, without a gap or a repetition", async () => {
    const { end, seqs, followed } = await tail({}, [{ kind: "thread", thread: aThread({ phase: "Running" }) }, { kind: "message", message: aMessage(4) }]);
    expect(seqs).toEqual([1, 2, 3, "Running", 4]);
    expect(followed[0]?.afterSeq).toBe(3);
    expect(end).toBe("interrupted");
  });

  test("begins after a message, or with the last so many", async () => {
    expect((await tail({ afterSeq: 2 })).seqs).toEqual([3]);
    expect((await tail({ last: 1 })).seqs).toEqual([3]);
    const none = await tail({ last: 0 });
    expect(none.seqs).toEqual([]);
    expect(none.followed[0]?.afterSeq).toBe(3);
  });

  test("that is not followed ends by itself", async () => {
    const { end, followed } = await tail({ isFollowed: false });
    expect({ end, followed }).toEqual({ end: "done", followed: [] });
  });

  test.each(["gone", "not-found", "access.denied"])("ends with the thread, which then is %s", async (error) => {
    expect((await tail({}, [aProblem(403, error)])).end).toBe("thread-ended");
  });

  test("does not end like that for other problems", async () => {
    await expect(tail({}, [aProblem(401, "authentication.required")])).rejects.toThrow("authentication.required");
  });
});
