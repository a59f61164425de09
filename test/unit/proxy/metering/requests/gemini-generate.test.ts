import { describe, expect, test } from "vitest";
import { readModelRequest as read } from "../../../../support/model-requests.ts";

const URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash-native-audio-preview-09-2025:generateContent";
const answering = (responseModalities: unknown, more: object = {}) => ({ contents: [{ parts: [{ text: "hello" }] }], generationConfig: { maxOutputTokens: 1_000, responseModalities, ...more } });
const costOf = async (body: object) => (await read(URL, body)).worstCase.usd ?? 0n;
/** A thousand tokens of sound; of text they cost a sixth. */
const SOUND_NANO_USD = 12_000_000n;

describe("output in sound is held at its price", () => {
  test.each(["AUDIO", "audio", "VOICE_OF_TOMORROW"])("as %s", async (modality) => {
    expect(await costOf(answering(["TEXT", modality]))).toBeGreaterThan(SOUND_NANO_USD);
  });

  test("as a voice", async () => {
    expect(await costOf(answering(["TEXT"], { speech_config: {} }))).toBeGreaterThan(SOUND_NANO_USD);
  });

  test.each([[[3]], [["TEXT", 3]], [[null]], [[["AUDIO"]]], ["AUDIO"], [3]])("and no number or list stands for it: %j", async (modalities) => {
    await expect(read(URL, answering(modalities))).rejects.toMatchObject({ code: "request.malformed" });
  });

  test("where there is none, it costs what text costs", async () => {
    for (const modalities of [["TEXT", "IMAGE"], [], undefined]) expect(await costOf(answering(modalities))).toBeLessThan(SOUND_NANO_USD);
  });
});

describe("no number stands for a service tier", () => {
  test.each([3, "3"])("%j", async (serviceTier) => {
    const reading = read(URL, { ...answering([]), serviceTier }).then(({ unbounded }) => unbounded?.rule, (error: unknown) => (error as { readonly code: string }).code);
    expect(["metering.unbounded", "request.malformed"]).toContain(await reading);
  });
});
