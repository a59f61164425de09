import { askedBy } from "./asked.ts";
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
    askedBy,
    refusal: (head, asked, error, at) => refuseRequest(head, asked, error, { ...at, ...context }),
    watch: (head, asked, answer, through) => watchAnswer(head, asked, answer, { ...through, ...context }),
  };
}
