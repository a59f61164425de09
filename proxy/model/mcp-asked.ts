import type { McpReading } from "./readings.ts";

/** What the messages of a body of the Model Context Protocol ask for: all that is needed of them to answer in a server's stead, or to watch its answer. */
export interface McpAsked {
  readonly era: McpReading["era"];
  readonly isBatch: boolean;
  /** Those that want an answer, in order: none for notifications and responses. */
  readonly requests: readonly McpRequest[];
}

/** A message that an answer is owed to. */
export interface McpRequest {
  /** Ready for `JSON.stringify`, which writes it as it came, however many digits it has. */
  readonly id: unknown;
  readonly method: string;
}
