import { describe, expect, test } from "vitest";
import type { HeaderList } from "../../../../../proxy/model/request.ts";
import { ANTHROPIC, readModelRequest as read } from "../../../../support/model-requests.ts";

const SONNET = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const BETA = "context-1m-2025-08-07";
const text = "x".repeat(700_000);
const claude = { model: "claude-sonnet-4-5", max_tokens: 10, messages: [{ role: "user", content: text }] };
const invoke = { anthropic_version: "bedrock-2023-05-31", max_tokens: 10, messages: claude.messages };
const converse = (extra: object) => ({ messages: [{ role: "user", content: [{ text }] }], inferenceConfig: { maxTokens: 10 }, additionalModelRequestFields: extra });
const inputOf = async (url: string, body: object, headers: HeaderList = []) => Number((await read(url, body, { headers })).worstCase["input-tokens"]);

describe("a larger window that a beta opens is held", () => {
  test.each<readonly [string, string, object, HeaderList]>([
    ["in a header", ANTHROPIC, claude, [["anthropic-beta", `a, ${BETA}`]]],
    ["in a second header", ANTHROPIC, claude, [["anthropic-beta", "a"], ["anthropic-beta", BETA]]],
    ["in another case", ANTHROPIC, claude, [["anthropic-beta", BETA.toUpperCase()]]],
    ["of a larger window yet", ANTHROPIC, claude, [["anthropic-beta", "context-2m-2027-01-01"]]],
    ["in a body's betas", ANTHROPIC, { ...claude, betas: ["a", BETA] }, []],
    ["in a body's anthropic_beta", `${SONNET}/invoke`, { ...invoke, anthropic_beta: [BETA] }, []],
    ["in Converse", `${SONNET}/converse`, converse({ anthropic_beta: ["a", BETA] }), []],
    ["in Converse, as one text", `${SONNET}/converse-stream`, converse({ anthropic_beta: BETA }), []],
    ["in a header of Converse", `${SONNET}/converse`, converse({}), [["anthropic-beta", BETA]]],
  ])("%s", async (_name, url, body, headers) => {
    expect(await inputOf(url, body, headers)).toBeGreaterThan(700_000);
  });

  test("another beta opens none", async () => {
    const other = ["interleaved-thinking-2025-05-14", "model-context-window-exceeded-2025-08-26"];
    expect(await inputOf(ANTHROPIC, claude, [["anthropic-beta", other.join(",")]])).toBe(200_000);
    expect(await inputOf(`${SONNET}/converse`, converse({ anthropic_beta: other }))).toBe(200_000);
  });

  test("Converse takes a beta in one writing", async () => {
    await expect(read(`${SONNET}/converse`, converse({ anthropicBeta: [BETA] }))).rejects.toMatchObject({ code: "request.malformed" });
  });
});
