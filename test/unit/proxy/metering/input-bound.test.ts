import fc from "fast-check";
import { encode as cl100k } from "gpt-tokenizer/encoding/cl100k_base";
import { encode as o200k } from "gpt-tokenizer/encoding/o200k_base";
import { describe, expect, test } from "vitest";
import { boundInput } from "../../../../proxy/metering/input-bound.ts";
import type { Price } from "../../../../proxy/metering/pricing.ts";
import { Reading } from "../../../../proxy/metering/requests/reading.ts";
import { ANTHROPIC, OPENAI_CHAT, readModelRequest as read } from "../../../support/model-requests.ts";

const config = { inputBytesPerToken: 1, unknownContextTokens: 5_000 };
const reading = (fill: Partial<Reading> = {}) => Object.assign(new Reading(), fill);
const window = (contextTokens: number | null) => ({ contextTokens }) as Price;

describe("no prompt has more tokens than are held", () => {
  const text = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.string({ unit: "grapheme", maxLength: 300 }), fc.string({ maxLength: 300 }), fc.constantFrom("🏴󠁧󠁢󠁥󠁮󠁧󠁿".repeat(20), "\u0000\u0001\\\"".repeat(50), " ".repeat(300)));

  test("whatever the text, by either of OpenAI's tokenizers", async () => {
    await fc.assert(fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (contents) => {
      const messages = contents.map((content) => ({ role: "user", content }));
      const call = await read(OPENAI_CHAT, { model: "gpt-5.5", messages });
      // Three tokens frame each message, three the answer.
      for (const encode of [o200k, cl100k]) {
        const tokens = contents.reduce((sum, content) => sum + encode(content.toWellFormed()).length + 4, 3);
        expect(call.worstCase["input-tokens"]).toBeGreaterThanOrEqual(BigInt(tokens));
      }
    }), { numRuns: 200 });
  });

  test("and what is held grows with each byte, in any field", async () => {
    const held = async (system: string) => Number((await read(ANTHROPIC, { model: "claude-opus-5", max_tokens: 1, system, messages: [] })).worstCase["input-tokens"]);
    expect(await held("abcd") - await held("ab")).toBe(2);
    expect(await held("é") - await held("")).toBe(2);
  });
});

describe("boundInput", () => {
  test("is bytes, frame and images, and never more than the window", () => {
    expect(boundInput(reading({ imageBytes: 400, imageTokens: 50, frameTokens: 10 }), 1_000, [window(100_000)], config)).toEqual({ most: 660, likely: 222 });
    expect(boundInput(reading(), 1_000_000, [window(100_000)], config).most).toBe(100_000);
    expect(boundInput(reading(), 1_000_000, [window(null)], config).most).toBe(1_000_512);
  });

  test("is the widest window of the models that may answer, or what is set for those that nobody knows", () => {
    const open = reading({ isOpenEnded: true });
    expect(boundInput(open, 10, [window(100), window(200)], config)).toEqual({ most: 200, likely: 200 });
    expect(boundInput(open, 10, [window(100), null], config).most).toBe(5_000);
    expect(boundInput(open, 9_000, [null], config).most).toBe(9_512);
  });

  test("counts each time that the provider asks the model", () => {
    expect(boundInput(reading({ isOpenEnded: true, rounds: 4 }), 10, [window(100)], config).most).toBe(400);
  });

  test("holds less where the operator takes more bytes for a token", () => {
    expect(boundInput(reading({ frameTokens: 0 }), 1_000, [null], { ...config, inputBytesPerToken: 2.5 }).most).toBe(400);
  });
});
