import type { McpAsked } from "../model/mcp-asked.ts";
import type { BodyRead, HeadReadings, ReadingName } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";

/** A body to read, held back until it was whole. */
export interface BodyToRead {
  /** As the agent sent it, perhaps encoded. */
  readonly body: Buffer;
  /** Of the decoded body, in bytes. */
  readonly limitBytes: number;
  /** Asked before memory is taken for what a coded body unpacks to. @throws EgressError `request.body-limit` if there is no room */
  readonly take: (bytes: number) => void;
}

/** What was read of a body, and the body as it was read. */
export interface BodyWasRead extends BodyRead {
  /** Without its content coding: the very bytes of the agent where it has none. */
  readonly text: Buffer;
  /** What its messages of the Model Context Protocol ask for; null where none were read. */
  readonly asked: McpAsked | null;
}

/** Reads requests beyond their head, in the words of their protocols. */
export interface Readings {
  /** Costs next to nothing: every exchange comes this way. */
  ofHead(head: RequestHead): HeadReadings;
  /**
   * Reads a body in the ways that policy asked for. `llm` is left to the meters: it is neither tried nor reported here.
   * @throws EgressError `request.malformed` for a body that two readers could understand in two ways (a key twice, two codings), `request.body-limit`
   */
  read(names: readonly ReadingName[], head: RequestHead, body: BodyToRead): Promise<BodyWasRead>;
}
