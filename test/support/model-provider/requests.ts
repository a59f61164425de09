/** How each API is asked for the same thing. */
export interface AskedForm {
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Where the limit of output is in the body, for those who change it. */
  readonly limitAt: readonly string[];
}

export interface AskedFor {
  readonly model: string;
  readonly prompt: string;
  readonly isStream: boolean;
  readonly limit: number;
}

export type RequestForm = (asked: AskedFor) => AskedForm;

const BEARER = { authorization: "Bearer dummy" };

function chat(host: string, path: string, limitField: "max_tokens" | "max_completion_tokens", isUsageAsked: boolean): RequestForm {
  return ({ model, prompt, isStream, limit }) => ({
    host, path, headers: BEARER, limitAt: [limitField],
    body: {
      model, messages: [{ role: "user", content: prompt }], [limitField]: limit, ...(isStream ? { stream: true, ...(isUsageAsked ? { stream_options: { include_usage: true } } : {}) } : {}),
    },
  });
}

function bedrock(operation: "converse" | "invoke"): RequestForm {
  return ({ model, prompt, isStream, limit }) => ({
    host: "bedrock-runtime.us-east-1.amazonaws.com", path: `/model/${encodeURIComponent(model)}/${operation}${isStream ? (operation === "invoke" ? "-with-response-stream" : "-stream") : ""}`,
    headers: BEARER, limitAt: operation === "invoke" ? ["max_tokens"] : ["inferenceConfig", "maxTokens"],
    body: operation === "invoke" ? { anthropic_version: "bedrock-2023-05-31", max_tokens: limit, messages: [{ role: "user", content: prompt }] }
      : { messages: [{ role: "user", content: [{ text: prompt }] }], inferenceConfig: { maxTokens: limit } },
  });
}

function gemini(query: string): RequestForm {
  return ({ model, prompt, isStream, limit }) => ({
    host: "generativelanguage.googleapis.com", path: `/v1beta/models/${model}:${isStream ? `streamGenerateContent${query}` : "generateContent"}`,
    headers: { "x-goog-api-key": "dummy" }, limitAt: ["generationConfig", "maxOutputTokens"],
    body: { contents: [{ role: "user", parts: [{ text: prompt }] }], generationConfig: { maxOutputTokens: limit } },
  });
}

/** One for each API and stream form, with a model that has a price. */
export const REQUEST_FORMS = {
  "openai-chat": { model: "gpt-4o-mini", form: chat("api.openai.com", "/v1/chat/completions", "max_completion_tokens", true) },
  "openai-chat without usage": { model: "gpt-4o-mini", form: chat("api.openai.com", "/v1/chat/completions", "max_tokens", false) },
  "openai-responses": {
    model: "gpt-5-mini",
    form: ({ model, prompt, isStream, limit }) => ({
      host: "api.openai.com", path: "/v1/responses", headers: BEARER, limitAt: ["max_output_tokens"],
      body: { model, input: prompt, max_output_tokens: limit, ...(isStream ? { stream: true } : {}) },
    }),
  },
  "anthropic-messages": {
    model: "claude-haiku-4-5",
    form: ({ model, prompt, isStream, limit }) => ({
      host: "api.anthropic.com", path: "/v1/messages", headers: { "x-api-key": "dummy", "anthropic-version": "2023-06-01" }, limitAt: ["max_tokens"],
      body: { model, max_tokens: limit, messages: [{ role: "user", content: prompt }], ...(isStream ? { stream: true } : {}) },
    }),
  },
  "gemini-generate": { model: "gemini-2.5-flash", form: gemini("?alt=sse") },
  "gemini-generate as an array": { model: "gemini-2.0-flash", form: gemini("") },
  "mistral-chat": { model: "mistral-small-latest", form: chat("api.mistral.ai", "/v1/chat/completions", "max_tokens", false) },
  "openrouter-chat": { model: "openai/gpt-4o-mini", form: chat("openrouter.ai", "/api/v1/chat/completions", "max_tokens", false) },
  "bedrock-converse": { model: "us.anthropic.claude-haiku-4-5-20251001-v1:0", form: bedrock("converse") },
  "bedrock-invoke": { model: "us.anthropic.claude-haiku-4-5-20251001-v1:0", form: bedrock("invoke") },
} as const satisfies Readonly<Record<string, { readonly model: string; readonly form: RequestForm }>>;
export type RequestFormName = keyof typeof REQUEST_FORMS;
