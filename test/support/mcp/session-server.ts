import { setTimeout as pause } from "node:timers/promises";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";

/** The content of whatever is read here: no answer that the boundary refused may hold it. */
export const SECRET_CONTENT = "content-of-the-server";

/** A server of the session era by the official library, with tools, resources and prompts of which an agent may use some. */
export function sessionServer(): McpServer {
  const listChanged = true;
  const server = new McpServer({ name: "stand-in", version: "1.0.0" }, { capabilities: { tools: { listChanged }, resources: { listChanged }, prompts: { listChanged } } });
  addTools(server);
  addAsking(server);
  for (const [name, uri] of [["readme", "file:///workspace/readme"], ["passwords", "file:///etc/passwd"]] as const) {
    server.registerResource(name, uri, {}, async () => ({ contents: [{ uri, text: `${SECRET_CONTENT} ${uri}` }] }));
  }
  for (const [name, template] of [["files", "file:///workspace/{name}"], ["users", "db://users/{id}"]] as const) {
    server.registerResource(name, new ResourceTemplate(template, { list: undefined }), {}, async (uri) => ({ contents: [{ uri: uri.href, text: `${SECRET_CONTENT} ${uri.href}` }] }));
  }
  for (const name of ["review", "jailbreak"]) {
    server.registerPrompt(name, { argsSchema: { of: z.string() } }, ({ of }) => ({ messages: [{ role: "user", content: { type: "text", text: `${SECRET_CONTENT} ${name} ${of}` } }] }));
  }
  return server;
}

function addTools(server: McpServer): void {
  for (const name of ["read_file", "write_file", "run_shell"]) {
    server.registerTool(name, { inputSchema: { path: z.any() } }, async ({ path }) => said(`${SECRET_CONTENT} ${name} ${JSON.stringify(path)}`));
  }
  server.registerTool("grow", {}, async () => {
    for (const name of ["grown_ok", "grown_denied"]) server.registerTool(name, {}, async () => said(name));
    return said("grown");
  });
  server.registerTool("count", { inputSchema: { to: z.number(), everyMs: z.number() } }, async ({ to, everyMs }, extra) => {
    for (let progress = 1; progress <= to; progress += 1) {
      await pause(everyMs, undefined, { signal: extra.signal });
      const progressToken = extra._meta?.progressToken;
      if (progressToken !== undefined) await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress, total: to } });
    }
    // Client libraries drop what a notification says if the answer is read in the same turn.
    await pause(everyMs, undefined, { signal: extra.signal });
    return said("counted");
  });
}

/** Tools that need something of the agent: what became of it is their answer. */
function addAsking(server: McpServer): void {
  const outcome = async (asked: Promise<unknown>) => said(await asked.then((answer) => `answered ${JSON.stringify(answer)}`, (error: unknown) => `refused ${String(error)}`));
  server.registerTool("ask_model", {}, async ({ requestId }) => outcome(
    server.server.createMessage({ messages: [{ role: "user", content: { type: "text", text: "SAMPLING-TEXT" } }], maxTokens: 10 }, { relatedRequestId: requestId })));
  server.registerTool("ask_user", {}, async ({ requestId }) => outcome(
    server.server.elicitInput({ message: "ELICITATION-TEXT", requestedSchema: { type: "object", properties: { name: { type: "string" } } } }, { relatedRequestId: requestId })));
  // Not related to the call: this travels in the stream that the agent opened with GET.
  server.registerTool("ask_roots", {}, async () => outcome(server.server.listRoots()));
}

function said(text: string): { content: { type: "text"; text: string }[] } {
  return { content: [{ type: "text", text }] };
}
