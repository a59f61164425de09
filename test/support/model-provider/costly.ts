import * as z from "zod";
import type { Api } from "./asked.ts";
import { inputTokensOf } from "./tokens.ts";

/** A dollar: so that a request that gets past the meters is seen in the books. */
const DOLLAR_NANO = 1_000_000_000n;

/** What providers sell besides conversation: each request costs a dollar here. */
const PATHS = new RegExp(`^/(?:api/)?v1(?:beta)?/(?:${[
  "batches", "images/\\w+", "audio/\\w+", "videos", "completions", "assistants", "threads.*", "fine_tuning/jobs", "realtime.*", "messages/batches", "fim/completions", "ocr",
  "agents/completions", "batch/jobs", "models/[^/]+:(?:predict|predictLongRunning|batchGenerateContent|embedContent)",
].join("|")})$`);

export function costlyApi(errorBody: Api["errorBody"]): Api {
  return {
    serve: async ({ method, path, host, payers, tally }, answer) => {
      if (method !== "POST" || !PATHS.test(path)) return false;
      const call = tally.begin({ host, path, model: path, payers, isStream: false, limit: null, provider: "none", flatNanoUsd: DOLLAR_NANO });
      call.add({});
      call.end("stop");
      await answer.json(200, { id: `costly_${call.id}`, object: "costly", status: "validating" });
      return true;
    },
    errorBody,
  };
}

const embedding = z.strictObject({
  model: z.string().min(1), input: z.union([z.string().min(1), z.array(z.union([z.string(), z.number(), z.array(z.number())])).min(1)]),
  dimensions: z.unknown().optional(), encoding_format: z.unknown().optional(), user: z.unknown().optional(),
});

/** https://developers.openai.com/api/reference/resources/embeddings: input alone. */
export function embeddingsApi(errorBody: Api["errorBody"]): Api {
  return {
    serve: async ({ method, path, host, payers, tally, body }, answer) => {
      if (method !== "POST" || path !== "/v1/embeddings") return false;
      const parsed = embedding.safeParse(body);
      if (!parsed.success) {
        await answer.json(400, { error: { message: z.prettifyError(parsed.error), type: "invalid_request_error", param: null, code: null } });
        return true;
      }
      const { model, input } = parsed.data;
      const call = tally.begin({ host, path, model, payers, isStream: false, limit: 0, provider: "openai" });
      const tokens = inputTokensOf(input) + (Array.isArray(input) ? input.flat().filter((each) => typeof each === "number").length : 0);
      call.add({ input: tokens });
      call.end("stop");
      await answer.json(200, { object: "list", data: [{ object: "embedding", index: 0, embedding: [0.1, 0.2] }], model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
      return true;
    },
    errorBody,
  };
}
