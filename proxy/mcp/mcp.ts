import type { EgressError } from "../errors.ts";
import type { Deny } from "../model/decision.ts";
import type { McpReading } from "../model/readings.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";

/** What policy says of one message; the arguments of a listing are not known. */
export type AskMcp = (reading: McpReading) => Promise<"allow" | Deny>;

/** An answer in place of the server's, that the client's library understands. */
export interface McpRefusal {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** What became of an answer beside what was passed on, for the record. */
export interface McpFiltered {
  /** Entries of lists that were taken out. */
  readonly hidden: number;
  /** Requests of the server that the agent never saw, by method. */
  readonly withheld: readonly string[];
}

/** The answer to an MCP request as it streams, JSON or events. Sees the body decoded of its content coding, before it is searched for secrets. */
export interface McpAnswer {
  readonly filtered: McpFiltered;
  /** @returns what goes on to the agent, perhaps nothing yet @throws EgressError `upstream.malformed` for an answer that cannot be read */
  push(chunk: Buffer): Promise<Buffer>;
  /** @returns the last bytes */
  end(): Promise<Buffer>;
}

/** Governs what flows by the Model Context Protocol, both eras (session and stateless). */
export interface Mcp {
  /**
   * How a refusal reads to an MCP client: a JSON-RPC answer that keeps the id (of each message of a batch); for tools/call a result with `isError`, which the
   * model reads. Where the answers of the agent's session travel on another stream (HTTP with SSE, 2024-11-05), it goes there.
   * @param body as the agent sent it
   * @returns null where the request is not MCP
   */
  refusal(head: RequestHead, body: Buffer, error: EgressError, at: { readonly instance: string; readonly requestId: string }): McpRefusal | null;
  /**
   * Watches an answer of an MCP server: lists lose what policy would not allow, requests of the server that policy denies do not reach the agent.
   * @param request what was asked, null for a stream that the agent opened with GET
   * @returns null for an answer that is passed on as it is: another status, another content type
   */
  watch(head: RequestHead, request: Buffer | null, answer: { readonly status: number; readonly headers: HeaderList }, ask: AskMcp): McpAnswer | null;
}
