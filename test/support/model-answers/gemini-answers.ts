import { EVENT_SOURCE, JSON_TYPE, type RecordedAnswer } from "./recorded-answer.ts";
import { eventSource, jsonArray } from "./wire-forms.ts";

const LAST = {
  promptTokenCount: 1_290, cachedContentTokenCount: 1_024, candidatesTokenCount: 33, thoughtsTokenCount: 412, toolUsePromptTokenCount: 77, totalTokenCount: 1_812,
  promptTokensDetails: [{ modality: "TEXT", tokenCount: 1_290 }], cacheTokensDetails: [{ modality: "TEXT", tokenCount: 1_024 }], toolUsePromptTokensDetails: [{ modality: "TEXT", tokenCount: 77 }],
};

/** The chunks of an answer that thinks, speaks and calls a function; each says what was used so far. */
export function geminiChunks(usage: object = LAST): readonly object[] {
  const chunk = (parts: readonly object[], usageMetadata: object, finish: object = {}) => ({ candidates: [{ content: { parts, role: "model" }, ...finish, index: 0 }], usageMetadata, modelVersion: "gemini-2.5-pro", responseId: "mA1fabc" });
  return [
    chunk([{ text: "**Thinking**", thought: true }], { promptTokenCount: 1_290, totalTokenCount: 1_500, thoughtsTokenCount: 210 }),
    chunk([{ text: "Grüße 👋 ] } , [ { \"x\\\" " }], { promptTokenCount: 1_290, candidatesTokenCount: 9, totalTokenCount: 1_700, thoughtsTokenCount: 412 }),
    chunk([{ functionCall: { name: "read_file", args: { path: "/etc/hosts" } } }, { text: "", thoughtSignature: "CsUBAVSoXO4" }], usage, { finishReason: "STOP" }),
  ];
}

function answer(name: string, body: { readonly bytes: string; readonly isStream: boolean; readonly headers: RecordedAnswer["headers"] }, usage: object = LAST, model = "gemini-2.5-pro"): RecordedAnswer {
  return { name, api: "gemini-generate", provider: "google", model, ...body, bytes: Buffer.from(body.bytes), whole: { body: { usageMetadata: usage, modelVersion: "gemini-2.5-pro" }, flavor: "default" } };
}

const MEDIA = { promptTokenCount: 900, candidatesTokenCount: 200, totalTokenCount: 1_100, promptTokensDetails: [{ modality: "TEXT", tokenCount: 100 }, { modality: "AUDIO", tokenCount: 500 }, { modality: "IMAGE", tokenCount: 258 }, { modality: "DOCUMENT", tokenCount: 42 }] };

export const geminiAnswers: readonly RecordedAnswer[] = [
  answer("Gemini, event source", { bytes: eventSource(geminiChunks(), { lineEnd: "\r\n" }), isStream: true, headers: EVENT_SOURCE }),
  answer("Gemini, array", { bytes: jsonArray(geminiChunks()), isStream: true, headers: [["content-type", "application/json; charset=UTF-8"]] }),
  answer("Gemini in one piece", { bytes: JSON.stringify(geminiChunks().at(-1), null, 2), isStream: false, headers: JSON_TYPE }),
  answer("Gemini in one piece, more than text", { bytes: JSON.stringify(geminiChunks(MEDIA).at(-1)), isStream: false, headers: JSON_TYPE }, MEDIA),
];
