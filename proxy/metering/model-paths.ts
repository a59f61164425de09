import type { ModelApi } from "../model/metered-call.ts";
import type { PathStyle } from "./providers.ts";

/** What a path of a provider is. `model` and `isStream` are null where the body says it. */
export type PathMeaning =
  | { readonly kind: "call"; readonly api: ModelApi; readonly model: string | null; readonly isStream: boolean | null; readonly isStandIn?: boolean }
  | { readonly kind: "free" | "unmetered" };

const UNMETERED: PathMeaning = { kind: "unmetered" };
const FREE: PathMeaning = { kind: "free" };

/**
 * Reads a path that a model may answer. Only exact forms are calls or free; whatever else a provider has may cost something that nobody here counts.
 * @param segments decoded; an empty one at the end for a trailing slash
 */
export function readModelPath(style: PathStyle, method: string, segments: readonly string[]): PathMeaning {
  const meaning = style === "unmetered" ? UNMETERED : PATHS[style](segments);
  // A path that costs something is no harmless question just because of its method: servers let the method be overridden.
  if (method === "POST") return meaning;
  return meaning.kind === "call" || hasCallEnd(segments) ? UNMETERED : readOnly(method);
}

function readOnly(method: string): PathMeaning {
  return ["GET", "HEAD", "OPTIONS", "DELETE"].includes(method) ? FREE : UNMETERED;
}

/** Paths of Google name their method after a colon. */
function hasCallEnd(segments: readonly string[]): boolean {
  return segments.at(-1)?.includes(":") ?? false;
}

type ReadPath = (segments: readonly string[]) => PathMeaning;

const PATHS: Readonly<Record<Exclude<PathStyle, "unmetered">, ReadPath>> = {
  openai: (segments) => (segments[0] === "v1" ? openAi(segments.slice(1)) : UNMETERED),
  azure,
  anthropic: (segments) => {
    if (segments[0] === "api") return ["event_logging", "claude_code", "claude_cli_feedback", "hello", "oauth"].includes(segments[1] ?? "") ? FREE : UNMETERED;
    return segments[0] === "v1" ? anthropic(segments.slice(1)) : UNMETERED;
  },
  google: (segments) => {
    if (segments[0] === "upload" && segments[2] === "files") return FREE;
    if (!/^v1(?:alpha|beta)?$/.test(segments[0] ?? "")) return UNMETERED;
    if (segments[1] === "openai") return openAi(segments.slice(2));
    return segments[1] === "models" && segments.length === 3 ? gemini(segments[2] ?? "") : UNMETERED;
  },
  vertex,
  bedrock,
  mistral: (segments) => {
    const path = segments.join("/");
    if (path === "v1/chat/completions") return call("mistral-chat");
    return path === "v1/embeddings" ? call("openai-embeddings") : UNMETERED;
  },
  openrouter: (segments) => {
    if (segments[0] !== "api" || segments[1] !== "v1") return UNMETERED;
    const path = segments.slice(2).join("/");
    if (path === "chat/completions") return call("openrouter-chat");
    if (path === "messages") return call("anthropic-messages");
    return path === "responses" || path === "embeddings" ? openAi(segments.slice(2)) : UNMETERED;
  },
  codex: (segments) => {
    const path = segments.join("/");
    return path === "backend-api/codex/responses" ? call("openai-responses") : UNMETERED;
  },
  compatible,
};

function call(api: ModelApi, model: string | null = null, isStream: boolean | null = null): PathMeaning {
  return { kind: "call", api, model, isStream };
}

function openAi(segments: readonly string[]): PathMeaning {
  const path = segments.join("/");
  if (path === "chat/completions") return call("openai-chat");
  if (path === "responses") return call("openai-responses");
  if (path === "embeddings") return call("openai-embeddings");
  // What is put into a conversation may bring tools of the provider's to a call that only names it.
  const isFree = ["responses/input_tokens", "moderations", "files", "uploads"].includes(path)
    || /^(?:responses\/[^/]+\/cancel|conversations\/[^/]+|uploads\/[^/]+\/(?:parts|complete|cancel))$/.test(path);
  return isFree ? FREE : UNMETERED;
}

function anthropic(segments: readonly string[]): PathMeaning {
  const path = segments.join("/");
  if (path === "messages") return call("anthropic-messages");
  return path === "messages/count_tokens" || path === "files" ? FREE : UNMETERED;
}

/** `openai/deployments/{deployment}/…` names the model in the path; the newer paths in the body. */
function azure(segments: readonly string[]): PathMeaning {
  const [first, second, deployment] = segments;
  if (first === "openai" && second === "deployments" && deployment !== undefined) {
    const found = openAi(segments.slice(3));
    return found.kind === "call" && found.api !== "openai-responses" ? { ...found, model: deployment } : UNMETERED;
  }
  if (first === "openai") return openAi(segments.slice(second === "v1" ? 2 : 1));
  if (first === "models") return openAi(segments.slice(1));
  return first === "anthropic" && second === "v1" ? anthropic(segments.slice(2)) : UNMETERED;
}

function gemini(last: string): PathMeaning {
  const [model = "", method, ...rest] = last.split(":");
  if (model === "" || rest.length > 0) return UNMETERED;
  if (method === "generateContent" || method === "streamGenerateContent") return call("gemini-generate", model, method !== "generateContent");
  return method === "countTokens" || method === "computeTokens" ? FREE : UNMETERED;
}

/** `v1/projects/P/locations/L/publishers/{google,anthropic}/models/M:method`, or without project and location. */
function vertex(segments: readonly string[]): PathMeaning {
  if (!/^v1(?:beta1)?$/.test(segments[0] ?? "")) return UNMETERED;
  const rest = segments[1] === "projects" && segments[3] === "locations" ? segments.slice(5) : segments.slice(1);
  if (rest.join("/") === "endpoints/openapi/chat/completions") return call("openai-chat");
  const [publishers, publisher, models, last, ...more] = rest;
  if (publishers !== "publishers" || models !== "models" || last === undefined || more.length > 0) return UNMETERED;
  if (publisher === "google") return gemini(last);
  const [model = "", method, ...others] = last.split(":");
  if (publisher !== "anthropic" || model === "" || others.length > 0) return UNMETERED;
  if (model === "count-tokens") return method === "rawPredict" ? FREE : UNMETERED;
  return method === "rawPredict" || method === "streamRawPredict" ? call("anthropic-messages", model, null) : UNMETERED;
}

/** `/model/{id}/{operation}`; the id may be an ARN, whose last part names the model or a profile; that of a stored prompt names neither. */
function bedrock([first, id, operation = "", ...rest]: readonly string[]): PathMeaning {
  if (first !== "model" || id === undefined || id === "" || rest.length > 0) return UNMETERED;
  const model = id.startsWith("arn:") && !id.includes(":prompt/") ? id.slice(id.lastIndexOf("/") + 1) : id;
  const api = BEDROCK.get(operation);
  if (api === undefined) return operation === "count-tokens" ? FREE : UNMETERED;
  return { kind: "call", api, model, isStream: operation.endsWith("-stream"), isStandIn: !isOfModel(id, model) };
}

const BEDROCK: ReadonlyMap<string, ModelApi> = new Map([
  ["converse", "bedrock-converse"], ["converse-stream", "bedrock-converse"], ["invoke", "bedrock-invoke"], ["invoke-with-response-stream", "bedrock-invoke"],
]);

/** A seller and a model, `anthropic.claude-…`, perhaps behind a region. Profiles, routers and deployments of one's own have names that tell nothing. */
function isOfModel(id: string, model: string): boolean {
  return model.includes(".") && (!id.startsWith("arn:") || /:(?:foundation-model|inference-profile)\/[^/]+$/.test(id));
}

/** OpenAI's or Anthropic's API under some prefix: the end of the path says which. */
function compatible(segments: readonly string[]): PathMeaning {
  const [before, last] = segments.slice(-2);
  if (before === "chat" && last === "completions") return call("openai-chat");
  if (before === "v1" && last === "messages") return call("anthropic-messages");
  if (last === "responses") return call("openai-responses");
  return last === "embeddings" ? call("openai-embeddings") : UNMETERED;
}

/** The end of a path of a host that the operator declares to speak `api`. */
export function readDeclaredPath(api: ModelApi, method: string, segments: readonly string[]): PathMeaning {
  const found = declared(api, segments);
  if (method === "POST") return found;
  return found.kind === "call" ? UNMETERED : readOnly(method);
}

function declared(api: ModelApi, segments: readonly string[]): PathMeaning {
  const last = segments.at(-1) ?? "";
  switch (api) {
    case "gemini-generate": return gemini(last);
    case "bedrock-converse": case "bedrock-invoke": return bedrock(segments.slice(-3));
    case "openai-chat": case "openai-responses": case "openai-embeddings": case "anthropic-messages": case "mistral-chat": case "openrouter-chat": {
      const found = compatible(segments);
      // A gateway of one API often has the others beside it.
      if (found.kind === "call") return found.api === "openai-chat" && api.endsWith("-chat") ? { ...found, api } : found;
      return segments.slice(-2).join("/") === "messages/count_tokens" ? FREE : UNMETERED;
    }
  }
}
