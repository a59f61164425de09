import type { EgressError } from "../errors.ts";
import type { Deny } from "../model/decision.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { McpReading } from "../model/readings.ts";
import type { HeaderList, RequestHead } from "../model/request.ts";

/**
 * What a body is read into: its messages in order, at least one, and behind each what it does beyond its method; and what is kept of them for their answers.
 * Or why it is none of this protocol, in our words.
 */
export type McpRead = { readonly kind: "read"; readonly readings: readonly McpReading[]; readonly asked: McpAsked } | { readonly kind: "none"; readonly why: string };

/** What policy says of one message; the arguments of a listing are not known. Rejects where policy gives no answer. */
export type AskMcp = (reading: McpReading) => Promise<"allow" | Deny>;

/** Who asks, for whom. */
export interface McpExchange {
  readonly instance: string;
  /** Of the exchange: what the agent is told to name when it asks a person. */
  readonly requestId: string;
}

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
  /** Requests of the server that the agent never saw, by method; at most 100 of them. */
  readonly withheld: readonly string[];
}

/** The answer to an MCP request as it streams, JSON or events. Sees the body decoded of its content coding, before it is counted and searched for secrets. */
export interface McpAnswer {
  readonly filtered: McpFiltered;
  /** True if nothing of it is passed on before all of it is there: the status can be chosen until then. */
  readonly isWhole: boolean;
  /** One at a time. @returns what goes on to the agent, perhaps nothing yet @throws EgressError `upstream.malformed` for an answer that cannot be read */
  push(chunk: Buffer): Promise<Buffer>;
  /** @returns the last bytes */
  end(): Promise<Buffer>;
  /** Gives back what is held. Nothing may be asked of it afterwards. */
  close(): void;
}

/** What watching an answer needs. */
export interface McpWatch {
  readonly ask: AskMcp;
  /** What may be held back of it. */
  readonly room: { take(bytes: number): boolean; giveBack(bytes: number): void };
  /** Sends bytes to the agent between two events of the stream. @returns false, and sends nothing, where the agent does not read what it has */
  readonly tell: (bytes: Buffer) => boolean;
}

/** Governs what flows by the Model Context Protocol, both eras (session and stateless). A body is parsed once, by `read`. All bodies are decoded of their content coding. */
export interface Mcp {
  /**
   * Reads the messages of a request body.
   * @throws EgressError `request.malformed` for what two readers could understand in two ways: a key twice, headers that do not agree with the body, a
   * message that is request and response at once
   */
  read(head: RequestHead, body: Buffer): McpRead;
  /** What a body asks for that could not be read, or that nobody had read: its messages are not judged. Null if it holds none. */
  askedBy(head: RequestHead, body: Buffer): McpAsked | null;
  /**
   * How a refusal reads to an MCP client: a JSON-RPC answer that keeps the id (of each message of a batch); for tools/call a result with `isError`, which the
   * model reads. Where the answers of the agent's session travel on another stream (HTTP with SSE, 2024-11-05), it goes there, as long as that is read.
   */
  refusal(head: RequestHead, asked: McpAsked, error: EgressError, at: McpExchange): McpRefusal;
  /**
   * Watches an answer of an MCP server: lists lose what policy would not allow, requests of the server that policy denies do not reach the agent.
   * @param asked null for a stream that the agent opened with GET
   * @returns null for an answer of which no client reads messages: an error, what is said of 202, what GET brings to who did not ask for events. What comes
   * in a form that the protocol does not know, and is not empty, is refused as `upstream.malformed`
   */
  watch(head: RequestHead, asked: McpAsked | null, answer: { readonly status: number; readonly headers: HeaderList }, through: McpWatch & McpExchange): McpAnswer | null;
}
