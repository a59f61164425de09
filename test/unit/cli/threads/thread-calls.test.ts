import { describe, expect, test } from "vitest";
import { listThreads, openThread, postMessage, readMessages } from "../../../../cli/threads/thread-calls.ts";
import { aMessage, aProblem, aThread, talkingClient } from "../../../support/talking-client.ts";

const NAME = { namespace: "team", name: "t" };

describe("calls of the controller's API", () => {
  test("list threads page by page, and no more than asked for", async () => {
    const { client, calls } = talkingClient(({ options }) => {
      const limit = Number(options.params?.query?.["limit"]);
      return { threads: Array.from({ length: limit }, () => aThread()), next: "cursor" };
    });
    expect(await listThreads(client, { namespace: "team", agent: "reviewer", limit: 150 })).toHaveLength(150);
    expect(calls.map(({ options }) => options.params?.query)).toEqual([{ limit: 100, agent: "reviewer" }, { limit: 50, agent: "reviewer", after: "cursor" }]);
  });

  test("list what there is if that is less", async () => {
    const { client } = talkingClient(() => ({ threads: [aThread()], next: null }));
    expect(await listThreads(client, { namespace: "team", agent: undefined, limit: 150 })).toHaveLength(1);
  });

  test("read messages to the last", async () => {
    const all = Array.from({ length: 101 }, (_, index) => aMessage(index + 1));
    const { client, calls } = talkingClient(({ options }) => ({ messages: all.filter(({ seq }) => seq > Number(options.params?.query?.["after"])).slice(0, 100) }));
    const seqs: number[] = [];
    for await (const { seq } of readMessages(client, NAME, 0)) seqs.push(seq);
    expect(seqs).toEqual(all.map(({ seq }) => seq));
    expect(calls).toHaveLength(2);
  });

  test("post again under the same key while nobody answers", async () => {
    let tries = 0;
    const { client, calls } = talkingClient(() => {
      tries += 1;
      if (tries === 1) throw aProblem(503, "unavailable");
      if (tries === 2) throw new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
      return { message: aMessage(1), isNew: true };
    });
    expect(await postMessage(client, NAME, "hi", "key-1")).toMatchObject({ seq: 1 });
    expect(calls.map(({ options }) => options.params?.header)).toEqual(Array.from({ length: 3 }, () => ({ "idempotency-key": "key-1" })));
  });

  test.each([[aProblem(403, "access.denied")], [new TypeError("fetch failed", { cause: Object.assign(new Error("ca"), { code: "SELF_SIGNED_CERT_IN_CHAIN" }) })]])(
    "do not ask again what does not come right by itself: %s", async (error) => {
      const { client, calls } = talkingClient(() => { throw error; });
      await expect(openThread(client, "team", { agent: "reviewer" }, "k")).rejects.toBe(error);
      expect(calls).toHaveLength(1);
    });
});
