import * as z from "zod";
import { READINGS, UNREAD_OF_MODEL, type BodyReadings, type ReadReport, type ReadingName } from "../model/readings.ts";

const text = z.string().max(4_096);

/** What a trial says of the body, so that nobody has to write one: answered when policy asks for it, and only then. */
export const trialReadings = {
  mcp: z.strictObject({
    method: text.optional().describe("Default by what is named: `tools/call`, `prompts/get`, `resources/read`; else `initialize`."),
    tool: text.optional(),
    arguments: z.record(z.string(), z.json()).optional(),
    prompt: text.optional(),
    uri: text.optional(),
    direction: z.enum(["to_server", "from_server"]).default("to_server"),
    kind: z.enum(["request", "notification", "response"]).optional().describe("Default `notification` for `notifications/…`, else `request`."),
    era: z.enum(["session", "stateless"]).default("session"),
    is_listing: z.boolean().default(false).describe("True: would it appear in a list of the server?"),
  }).optional().describe("One message of the Model Context Protocol."),
  llm: z.strictObject({
    model: text,
    api: text.default("openai-chat"),
    provider: text.default("openai"),
    stream: z.boolean().default(false),
    max_output_tokens: z.int().positive().nullable().default(null),
    tools: z.array(text).max(1_000).default([]),
    unread: z.array(z.enum(UNREAD_OF_MODEL)).max(3).exactOptional().describe("What something stored at the provider may bring beside these."),
  }).optional().describe("A request to a language model."),
  graphql: z.strictObject({
    type: z.enum(["query", "mutation", "subscription"]).default("query"),
    name: text.nullable().default(null),
    fields: z.array(text).max(1_000).default([]),
  }).optional().describe("One GraphQL operation."),
  json: z.json().optional().describe("The whole body as JSON."),
};

/** The readings of a trial, as its schema gives them. */
export type TrialReadings = { readonly [Name in keyof typeof trialReadings]?: z.output<(typeof trialReadings)[Name]> };

export function holdsReading(asked: TrialReadings): boolean {
  return READINGS.some((name) => asked[name] !== undefined);
}

/** What the boundary would have read, for those readings alone that policy asked for. */
export function answerRead(asked: TrialReadings, wanted: readonly ReadingName[]): BodyReadings & { readonly read: ReadReport } {
  const body: BodyReadings = {
    ...(asked.mcp === undefined ? {} : { mcp: mcpOf(asked.mcp) }),
    ...(asked.llm === undefined ? {} : { llm: asked.llm }),
    ...(asked.graphql === undefined ? {} : { graphql: asked.graphql }),
    ...(asked.json === undefined ? {} : { json: asked.json }),
  };
  const read: ReadReport = Object.fromEntries(wanted.map((name) => [name, body[name] === undefined ? `the trial says nothing of \`${name}\`` : null]));
  return { ...Object.fromEntries(wanted.filter((name) => body[name] !== undefined).map((name) => [name, body[name]])), read };
}

function mcpOf({ method, tool, prompt, uri, kind, ...rest }: NonNullable<TrialReadings["mcp"]>): NonNullable<BodyReadings["mcp"]> {
  const named = tool !== undefined ? "tools/call" : prompt !== undefined ? "prompts/get" : uri !== undefined ? "resources/read" : "initialize";
  const kindOf = kind ?? (method?.startsWith("notifications/") === true ? "notification" : "request");
  return {
    ...rest, kind: kindOf, method: kindOf === "response" ? null : method ?? named,
    tool: tool ?? null, arguments: rest.arguments ?? null, prompt: prompt ?? null, uri: uri ?? null,
  };
}
