import type { HeaderList } from "../../model/request.ts";
import { readTier, type Reading } from "./reading.ts";

/** Vertex: what is paid by use, and what costs less. */
const LISTED_REQUEST_TYPES = new Set(["shared", "flex"]);

/** Headers that change what a call costs, or which model answers: of Bedrock, of Vertex, of Azure. Each may stand beside any API of theirs. */
export function readPriceHeaders(reading: Reading, headers: HeaderList): void {
  for (const [name, value] of headers) {
    if (name === "x-amzn-bedrock-service-tier") readTier(reading, name, value);
    else if (name === "x-amzn-bedrock-performanceconfig-latency" && value !== "standard") reading.unbound(name, "has a price that the table does not know");
    else if (name.startsWith("x-amzn-bedrock-guardrail")) reading.unbound(name, "has a price of its own");
    else if (name.startsWith("x-vertex-ai-llm-") && !LISTED_REQUEST_TYPES.has(value)) reading.unbound(name, "asks for a service tier that the price table does not know");
    else if (name === "x-ms-spillover-deployment") reading.unbound(name, "may have another model answer");
  }
}
