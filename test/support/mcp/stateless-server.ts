import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createMcpHandler, inputRequired, McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { SECRET_CONTENT } from "./session-server.ts";

/** A server of the stateless era (2026-07-28) by the official library, for Node's own server. */
export function statelessHandler(): (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void> {
  const handler = createMcpHandler(statelessServer);
  return async (request, response, body) => {
    const headers = new Headers(Object.entries(request.headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as [string, string]] : [])));
    const asked = new Request(`https://mcp.test${request.url ?? "/"}`, { method: request.method ?? "GET", headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const answer = await handler.fetch(asked);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    else await pipeline(Readable.fromWeb(answer.body), response);
  };
}

function statelessServer(): McpServer {
  const server = new McpServer({ name: "stand-in", version: "2.0.0" });
  for (const name of ["read_file", "run_shell"]) {
    server.registerTool(name, { inputSchema: z.object({ path: z.any() }) }, async ({ path }) => said(`${SECRET_CONTENT} ${name} ${JSON.stringify(path)}`));
  }
  // The library of the client repeats this argument in a header, by which others may route.
  server.registerTool("route", { inputSchema: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) }) }, async ({ region }) => said(`${SECRET_CONTENT} ${region}`));
  server.registerTool("ask_user", { inputSchema: z.object({}) }, async (_none, context) => {
    const answers = context.mcpReq.inputResponses;
    if (answers !== undefined) return said(`answered ${JSON.stringify(answers)}`);
    return inputRequired({ inputRequests: { name: inputRequired.elicit({ message: "ELICITATION-TEXT", requestedSchema: z.object({ name: z.string() }) }) } });
  });
  server.registerTool("ask_model", { inputSchema: z.object({}) }, async (_none, context) => {
    const answers = context.mcpReq.inputResponses;
    if (answers !== undefined) return said(`answered ${JSON.stringify(answers)}`);
    return inputRequired({ inputRequests: { text: inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text: "SAMPLING-TEXT" } }], maxTokens: 10 }) } });
  });
  for (const [name, uri] of [["readme", "file:///workspace/readme"], ["umlaut", "file:///workspace/%C3%A4"], ["passwords", "file:///etc/passwd"]] as const) {
    server.registerResource(name, uri, {}, async () => ({ contents: [{ uri, text: `${SECRET_CONTENT} ${uri}` }] }));
  }
  return server;
}

function said(text: string): { content: { type: "text"; text: string }[] } {
  return { content: [{ type: "text", text }] };
}
