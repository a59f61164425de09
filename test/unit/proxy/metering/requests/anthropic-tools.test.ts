import { describe, expect, test } from "vitest";
import { ANTHROPIC, readModelRequest as read } from "../../../../support/model-requests.ts";

const claude = { model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
const asking = (...tools: readonly object[]) => ({ ...claude, tools: [{ name: "mine", input_schema: {} }, ...tools] });
const search = { type: "web_search_20250305", name: "web_search" };
const fetch = { type: "web_fetch_20250910", name: "web_fetch" };
const filtering = { type: "web_search_20260209", name: "web_search" };

const sentTools = async (...tools: readonly object[]) => {
  const { body } = (await read(ANTHROPIC, asking(...tools))).bounded();
  return body === null ? null : (JSON.parse(body.toString()) as { readonly tools: readonly unknown[] }).tools.slice(1);
};

describe("each tool that Anthropic runs gets a limit of its own", () => {
  test("where it has none", async () => {
    expect(await sentTools(search, fetch)).toEqual([{ ...search, max_uses: 4 }, { ...fetch, max_uses: 4 }]);
    expect(await sentTools({ ...search, max_uses: null }, { ...fetch, max_uses: 2 })).toEqual([{ ...search, max_uses: 4 }, { ...fetch, max_uses: 2 }]);
  });

  test("and none where all have one", async () => {
    expect(await sentTools({ ...search, max_uses: 9 }, { ...fetch, max_uses: 0 })).toBeNull();
  });

  test("and no programs, which would ask the model as often as they like", async () => {
    expect(await sentTools(filtering)).toEqual([{ ...filtering, max_uses: 4, allowed_callers: ["direct"] }]);
    expect(await sentTools({ ...filtering, max_uses: 1 })).toEqual([{ ...filtering, max_uses: 1, allowed_callers: ["direct"] }]);
    expect(await sentTools({ ...filtering, max_uses: 1, allowed_callers: ["direct"] })).toBeNull();
  });

  test("and all of them count, each with its question to the model", async () => {
    const { worstCase } = (await read(ANTHROPIC, asking(search, fetch, { ...search, max_uses: 2 }))).bounded();
    expect(worstCase).toMatchObject({ "input-tokens": 11_000_000n, "output-tokens": 1_100n });
    expect(worstCase.usd).toBe(11n * 5n * 10n ** 9n + 1_100n * 25_000n + 6n * 10_000_000n + 2n);
  });
});

describe("what no limit bounds stays refused", () => {
  test.each<readonly [string, object]>([
    ["programs of the model", { type: "code_execution_20250825", name: "code_execution" }],
    ["searches that programs make", { ...filtering, max_uses: 1, allowed_callers: ["direct", "code_execution_20260120"] }],
    ["searches for tools", { type: "tool_search_tool_regex_20251119", name: "t" }],
  ])("%s", async (_what, tool) => {
    const call = (await read(ANTHROPIC, asking(search, tool))).bounded();
    expect(call.unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining("tools") });
    expect(call.body).toBeNull();
    expect(call.worstCase).toEqual({});
  });

  test("tools of the same names at a server of somebody else's", async () => {
    const url = "https://api.z.ai/api/anthropic/v1/messages";
    expect((await read(url, { ...asking(search), model: "glm-5" })).bounded().unbounded).toMatchObject({ rule: "metering.unbounded" });
    expect((await read(url, { ...asking(), model: "glm-5" })).bounded().unbounded).toMatchObject({ rule: "metering.price" });
  });

  test("more searches than there are kinds are refused: each would have the whole body copied", async () => {
    const eight = Array<object>(8).fill(search);
    expect((await read(ANTHROPIC, asking(...eight))).bounded().unbounded).toBeNull();
    expect((await read(ANTHROPIC, asking(...eight, search))).bounded().unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining("more than 8 searches") });
  });
});
