import { describe, expect, test } from "vitest";
import { UsageHistory } from "../../../../cli/top/rates.ts";
import type { Used } from "../../../../cli/top/usage.ts";

const used = (over: Partial<Used> = {}): Used => ({ agent: "local/a", thread: "t1", model: "m", requests: 10, refusals: 0, tokens: 1_000, nanoUsd: 1_000_000_000n, open: 1, ...over });
const sample = (...all: Used[]) => ({ used: all, troubles: [] });

describe("rates", () => {
  test("are what came since the oldest sample of the last minute", () => {
    const history = new UsageHistory();
    expect(history.add(0, sample(used()))[0]).toMatchObject({ requestsPerSecond: 0, tokensPerSecond: 0, usdPerHour: 0 });
    expect(history.add(2_000, sample(used({ requests: 14, tokens: 1_200, nanoUsd: 1_010_000_000n })))[0]).toMatchObject({ requestsPerSecond: 2, tokensPerSecond: 100, usdPerHour: 18 });
    expect(history.add(61_000, sample(used({ requests: 14, tokens: 1_200, nanoUsd: 1_010_000_000n })))[0]).toMatchObject({ requestsPerSecond: 0, usdPerHour: 0 });
  });

  test("of a thread that is new begin at nothing, and so does a proxy that started anew", () => {
    const history = new UsageHistory();
    history.add(0, sample(used()));
    const rows = history.add(1_000, sample(used({ requests: 3, tokens: 30, nanoUsd: 0n }), used({ thread: "t2", requests: 5 })));
    expect(rows.map(({ thread, requestsPerSecond }) => [thread, requestsPerSecond])).toEqual([["t2", 5], ["t1", 3]]);
  });

  test("put the fastest spender first", () => {
    const history = new UsageHistory();
    history.add(0, sample(used(), used({ thread: "t2", nanoUsd: 0n })));
    const rows = history.add(1_000, sample(used(), used({ thread: "t2", nanoUsd: 1n })));
    expect(rows.map(({ thread }) => thread)).toEqual(["t2", "t1"]);
  });

  test("a thread that two proxies have served is one line", () => {
    expect(new UsageHistory().add(0, sample(used(), used({ model: "" })))).toMatchObject([{ requests: 20, tokens: 2_000, nanoUsd: 2_000_000_000n, open: 2, model: "m" }]);
  });
});
