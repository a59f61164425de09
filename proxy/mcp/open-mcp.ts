import type { Mcp } from "./mcp.ts";

/** Opens what governs the Model Context Protocol. */
export function openMcp(): Mcp {
  return { read: () => ({ kind: "none", why: "it is not read" }), refusal: () => null, watch: () => null };
}
