import * as z from "zod";
import { jsonWith, Refused, toldUsage, USAGE, type Answering, type Api, type Asked } from "./asked.ts";
import { Generation, Interruption } from "./generation.ts";
import { inputTokensOf } from "./tokens.ts";

const any = z.unknown().optional();
const generationConfig = z.strictObject({
  maxOutputTokens: z.number().int().positive().optional(), candidateCount: z.number().int().min(1).max(8).optional(), temperature: any, topP: any, topK: any, stopSequences: any,
  responseMimeType: any, responseSchema: any, responseJsonSchema: any, seed: any, presencePenalty: any, frequencyPenalty: any, responseLogprobs: any, logprobs: any, thinkingConfig: any,
  responseModalities: any, speechConfig: any, mediaResolution: any, imageConfig: any, enableEnhancedCivicAnswers: any,
});
/** https://ai.google.dev/api/generate-content: a field that it does not name is refused. */
const request = z.strictObject({
  contents: z.array(z.looseObject({ role: z.string().optional(), parts: z.array(z.looseObject({})) })).min(1), generationConfig: generationConfig.optional(),
  systemInstruction: z.looseObject({ parts: any }).optional(), tools: any, toolConfig: any, safetySettings: any, cachedContent: any, model: any, store: any, serviceTier: any, labels: any,
});

const PATH = /^\/v1(?:beta|alpha)?\/models\/([^/:]+):(generateContent|streamGenerateContent|countTokens)$/;

/** `generativelanguage.googleapis.com`: JSON, events with `alt=sse`, a JSON array in pieces without. */
export function geminiApi(): Api {
  return {
    serve: async (asked, answer) => {
      const [, model, method] = PATH.exec(asked.path) ?? [];
      if (model === undefined || asked.method !== "POST") return false;
      const parsed = request.safeParse(asked.body);
      if (!parsed.success) throw new Refused(400, `Invalid JSON payload received. ${z.prettifyError(parsed.error)}`, "INVALID_ARGUMENT");
      const { contents, systemInstruction, tools, generationConfig: config } = parsed.data;
      const input = inputTokensOf(contents, systemInstruction, tools);
      if (method === "countTokens") await answer.json(200, { totalTokens: input });
      else await generate({ asked, input, config, model }, answer, method === "streamGenerateContent");
      return true;
    },
    errorBody: ({ status, message, type }) => ({ error: { code: status, message, status: type ?? (status === 429 ? "RESOURCE_EXHAUSTED" : status >= 500 ? "UNAVAILABLE" : "INVALID_ARGUMENT") } }),
  };
}

interface Wanted {
  readonly asked: Asked;
  readonly input: number;
  readonly config: z.output<typeof generationConfig> | undefined;
  readonly model: string;
}

async function generate({ asked, input, config, model }: Wanted, answer: Answering, isStream: boolean): Promise<void> {
  const limit = config?.maxOutputTokens ?? null;
  const choices = config?.candidateCount ?? 1;
  const call = asked.tally.begin({
    host: asked.host, path: asked.path, model: asked.plan.answers ?? model, payers: asked.payers, isStream, limit: limit === null ? null : limit * choices, provider: "google",
  });
  const work = new Generation(call, asked.plan, { input, limit, choices });
  if (!isStream) {
    const texts = await work.whole();
    return answer.json(200, chunk(work, texts.map((text, index) => ({ index, text })), true));
  }
  await stream(work, answer, asked.query.get("alt") === "sse");
}

async function stream(work: Generation, answer: Answering, isEvents: boolean): Promise<void> {
  answer.begin(200, { "content-type": isEvents ? "text/event-stream" : "application/json; charset=UTF-8" });
  let said = 0;
  const say = async (json: string) => answer.say(isEvents ? `data: ${json}\r\n\r\n` : `${said++ === 0 ? "[" : ",\r\n"}${json}`);
  try {
    for await (const { kind, text, choice } of work.pieces(() => answer.isHeard)) if (kind === "text") await say(chunk(work, [{ index: choice, text }], false));
  } catch (error) {
    if (error instanceof Interruption) return answer.drop();
    throw error;
  }
  await say(chunk(work, Array.from({ length: work.choices }, (_, index) => ({ index, text: "" })), true));
  if (!isEvents) await answer.say("]");
  answer.end();
}

/** Thoughts are beside the candidates, not in them. Each chunk carries the usage so far. */
function chunk(work: Generation, texts: readonly { readonly index: number; readonly text: string }[], isLast: boolean): string {
  const { input, cacheRead, output, reasoning } = work.generated;
  const usage = toldUsage(work.plan, {
    promptTokenCount: input, ...(cacheRead > 0 ? { cachedContentTokenCount: cacheRead } : {}), candidatesTokenCount: output - reasoning, totalTokenCount: input + output,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: input }], ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
  });
  const candidates = texts.map(({ index, text }) => ({
    content: { parts: [{ text }], role: "model" }, index, ...(isLast ? { finishReason: work.isLimited ? "MAX_TOKENS" : "STOP" } : {}),
  }));
  return jsonWith({ candidates, usageMetadata: USAGE, modelVersion: work.call.model, responseId: `r${work.call.id}` }, usage);
}
