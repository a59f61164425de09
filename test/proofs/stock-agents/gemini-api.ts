import * as z from "zod";
import { lastWords, TASK_COMMAND, TASK_OUTPUT } from "./agent-task.ts";
import { jsonOf, sendJson, type Answer, type Ask, type Seen, type StandIn } from "./stand-in.ts";

/** Gemini API, https://ai.google.dev/api/generate-content: fields that the documentation does not name are left alone. */
const part = z.looseObject({ functionResponse: z.looseObject({ name: z.string(), response: z.looseObject({}) }).optional() });
const request = z.looseObject({
  contents: z.array(z.looseObject({ role: z.enum(["user", "model", "function"]).default("user"), parts: z.array(part).min(1) })).min(1),
  tools: z.array(z.looseObject({ functionDeclarations: z.array(z.looseObject({ name: z.string() })).optional() })).default([]),
  generationConfig: z.looseObject({ responseMimeType: z.string().optional(), responseJsonSchema: z.looseObject({}).optional() }).default({}),
});
type Request = z.output<typeof request>;
type Noted = Omit<Seen, "host" | "method" | "path">;

const SHELL = "run_shell_command";
const METHOD = /^\/v1(?:beta)?\/models\/[a-z0-9.-]+:(streamGenerateContent|generateContent|countTokens)$/;

/** `generativelanguage.googleapis.com`. Takes the real key alone, in `x-goog-api-key`. */
export function geminiApi(realKey: string): StandIn {
  return {
    hosts: ["generativelanguage.googleapis.com"],
    serve: (ask, answer) => {
      const sent = ask.headers["x-goog-api-key"] ?? ask.query.get("key") ?? undefined;
      const credential: Noted["credential"] = sent === undefined ? "none" : sent === realKey ? "real" : "other";
      answer.setHeader("x-key-seen", String(sent ?? ""));
      if (credential === "none") return { credential, fault: refuse(answer, 403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."), step: "" };
      if (credential === "other") return { credential, fault: refuse(answer, 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), step: "" };
      return { credential, ...answerWith(ask, answer, realKey) };
    },
  };
}

function answerWith(ask: Ask, answer: Answer, realKey: string): { readonly fault: string | null; readonly step: string } {
  const method = METHOD.exec(ask.path)?.[1];
  const parsed = request.safeParse(jsonOf(ask.body));
  if (method === undefined || ask.method !== "POST") return { fault: refuse(answer, 404, "NOT_FOUND", "The requested URL was not found on this server."), step: "" };
  if (!parsed.success) return { fault: refuse(answer, 400, "INVALID_ARGUMENT", z.prettifyError(parsed.error)), step: "" };
  if (method === "countTokens") {
    sendJson(answer, 200, { totalTokens: Math.ceil(ask.body.length / 4) });
    return { fault: null, step: "count" };
  }
  const turn = nextTurn(parsed.data, realKey);
  if ("fault" in turn) return { fault: refuse(answer, 400, "INVALID_ARGUMENT", turn.fault), step: "" };
  const chunks = turn.parts.map((each, index) => chunkOf([each], index === turn.parts.length - 1));
  if (method === "generateContent") sendJson(answer, 200, chunkOf(turn.parts, true));
  else if (ask.query.get("alt") !== "sse") sendJson(answer, 200, chunks);
  else {
    answer.writeHead(200, { "content-type": "text/event-stream" });
    for (const chunk of chunks) answer.write(`data: ${JSON.stringify(chunk)}\r\n\r\n`);
    answer.end();
  }
  return { fault: null, step: turn.step };
}

function nextTurn(body: Request, realKey: string): { readonly parts: readonly object[]; readonly step: string } | { readonly fault: string } {
  const responses = body.contents.flatMap(({ parts }) => parts).flatMap(({ functionResponse }) => functionResponse ?? []);
  if (responses.length > 0) {
    const told = JSON.stringify(responses);
    if (!TASK_OUTPUT.test(told)) return { fault: `the function's response is not of the task: ${told.slice(0, 300)}` };
    return { parts: lastWords(realKey).map((text) => ({ text })), step: "tool result" };
  }
  const hasShell = body.tools.some(({ functionDeclarations = [] }) => functionDeclarations.some(({ name }) => name === SHELL));
  if (hasShell) return { parts: [{ functionCall: { name: SHELL, args: { command: TASK_COMMAND, description: "Calculates" } } }], step: "tool call" };
  // Questions that the client asks beside the turn want JSON of a schema of theirs; this model has no opinion.
  return { parts: body.generationConfig.responseMimeType === "application/json" ? [{ text: "{}" }] : [{ text: "Yes." }], step: "text" };
}

function chunkOf(parts: readonly object[], isLast: boolean): object {
  return {
    candidates: [{ content: { parts, role: "model" }, index: 0, ...(isLast ? { finishReason: "STOP" } : {}) }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 }, modelVersion: "gemini-3-pro", responseId: "k2bPaI2mEo",
  };
}

/** Errors: https://ai.google.dev/gemini-api/docs/troubleshooting. @returns the message */
function refuse(answer: Answer, code: number, status: string, message: string): string {
  sendJson(answer, code, { error: { code, message, status } });
  return message;
}
