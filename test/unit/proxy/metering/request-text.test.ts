import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { RequestText } from "../../../../proxy/metering/request-text.ts";
import { ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, readModelRequest as read } from "../../../support/model-requests.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes that are kept, after all that nobody refers to is gone. */
async function kept(): Promise<number> {
  // What a decoder held goes when its closing was heard.
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const TEXT = Array.from({ length: 400_000 }, (_, index) => `${index} words`).join(" ");
const messages = [{ role: "user", content: TEXT }];
const CALLS = 6;

test("a text that is forgotten is written no more", () => {
  const text = new RequestText(Buffer.from("{}"));
  expect(text.bytes.toString()).toBe("{}");
  text.forget();
  expect(() => text.bytes).toThrow(expect.objectContaining({ code: "internal" }));
});

test.each([
  ["chat", OPENAI_CHAT, { model: "gpt-5.5", stream: true, messages }], ["responses", OPENAI_RESPONSES, { model: "gpt-5.5", input: TEXT }],
  ["messages", ANTHROPIC, { model: "claude-opus-5", max_tokens: 10, messages, tools: [{ type: "web_search_20250305", name: "web_search" }] }],
  ["Gemini", GEMINI, { contents: [{ parts: [{ text: TEXT }] }] }],
])("a call keeps nothing of its request once that has left: %s", async (_name, url, body) => {
  const coded = zstdCompressSync(JSON.stringify(body));
  const options = { headers: [["content-encoding", "zstd"]] as const };
  await read(url, coded, options);
  const before = await kept();
  const calls = await Promise.all(Array.from({ length: CALLS }, async () => (await read(url, coded, options)).bounded()));
  for (const call of calls) call.forgetText();
  expect(await kept() - before).toBeLessThan(TEXT.length);
  expect(calls.map((call) => call.watch(200, []).soFar)).toHaveLength(CALLS);
});
