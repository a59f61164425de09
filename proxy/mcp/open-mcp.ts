import type { Mcp } from "./mcp.ts";

/** Opens what governs the Model Context Protocol. */
export function openMcp(): Mcp {
  return { refusal: () => null, watch: () => null };
}
