import { mcpConfig, type McpConfig } from "./config.ts";
import { EndpointStreams } from "./endpoint-streams.ts";
import type { Mcp } from "./mcp.ts";
import { readRequest } from "./read-request.ts";
import { refuseRequest } from "./refuse-request.ts";
import { watchAnswer } from "./watch-answer.ts";

/** Opens what governs the Model Context Protocol. */
export function openMcp(config: McpConfig = mcpConfig.parse({})): Mcp {
  const context = { config, streams: new EndpointStreams() };
  return {
    read: readRequest,
    refusal: (head, body, error, at) => refuseRequest(head, body, error, { ...at, ...context }),
    watch: (head, request, answer, through) => watchAnswer(head, request, answer, { ...through, ...context }),
  };
}
