import { describe, expect, test } from "vitest";
import { USAGE_LIMIT, usageAnswer } from "../../../../common/operator-door.ts";
import type { ExchangeFacts } from "../../../../proxy/admin/metrics.ts";
import { UsageBoard } from "../../../../proxy/admin/usage-board.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";

const exchange = (over: Partial<ExchangeFacts> = {}): ExchangeFacts => (
  { namespace: "local", agent: "a", thread: "t1", outcome: "allowed", code: "ok", durationMs: 1, requestBytes: 1, responseBytes: 1, ...over }
);
const call = (nanoUsd: string | null): ExchangeFacts => exchange({
  modelUse: {
    api: "openai-chat", provider: "openai", model: "gpt-x", stream: false, clampedTo: null, heldNanoUsd: null,
    charged: { tokens: { input: 100, cacheRead: 60, cacheWrite: 0, output: 40, reasoning: 15 }, nanoUsd, estimated: false, reportedNanoUsd: null, estimatedNanoUsd: null, alarms: [] },
  },
});
const someone = (thread: string): AgentIdentity => ({ namespace: "local", name: "a", thread, instance: "i", user: "", labels: {}, chain: [] });

describe("what threads have used", () => {
  test("is counted by thread: requests, refusals, tokens, and money to the nano-dollar", () => {
    const board = new UsageBoard();
    for (const facts of [call("9007199254740993"), call(null), exchange({ outcome: "denied" }), exchange({ thread: "t2" })]) board.note(facts);
    const { threads } = usageAnswer.parse(board.read([someone("t1"), someone("t1")]));
    expect(threads.find(({ thread }) => thread === "t1")).toEqual({
      namespace: "local", agent: "a", thread: "t1", model: "gpt-x", requests: 3, refusals: 1, tokens: "280", nanoUsd: "9007199254740993", open: 2,
    });
    expect(threads.find(({ thread }) => thread === "t2")).toMatchObject({ requests: 1, nanoUsd: "0", open: 0, model: "" });
  });

  test("shows a thread whose first request is still open", () => {
    expect(new UsageBoard().read([someone("t9")]).threads).toMatchObject([{ thread: "t9", requests: 0, open: 1 }]);
  });

  test("is bounded: the thread that was silent for longest is forgotten, and one answer lists those that were active last", () => {
    const board = new UsageBoard();
    for (let each = 0; each < 5_000; each += 1) board.note(exchange({ thread: `t${each}` }));
    const { threads } = usageAnswer.parse(board.read([]));
    expect([threads.length, threads[0]?.thread]).toEqual([USAGE_LIMIT, "t4999"]);
  });
});
