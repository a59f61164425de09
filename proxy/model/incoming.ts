import type { Duplex, Readable } from "node:stream";
import type { EgressError } from "../errors.ts";
import type { Opened } from "./connection.ts";
import type { HeaderList, RawHead } from "./request.ts";
import type { Usage } from "./usage.ts";

/** One request as a protocol handler hands it over: read, not judged. */
export interface Incoming {
  readonly connection: Opened;
  /** Unique: the connection's id and the request's place on it. The agent reads it as `x-weir-request-id`. */
  readonly exchangeId: string;
  /** Null when no head could be read; then `fault` says why. */
  readonly head: RawHead | null;
  /** What the parser found wrong. The exchange is refused with it, and recorded, without a look at anything else. */
  readonly fault: EgressError | null;
  /** Null when the request has none. Ends with an error if the agent stops half-way. */
  readonly body: Readable | null;
  readonly answer: Answer;
}

/** Runs one exchange to its end: answered, settled, recorded. Never rejects. @returns what it used */
export type ServeExchange = (incoming: Incoming) => Promise<Usage>;

/**
 * Where the answer goes, whatever the protocol. Order: `inform`* → `head` → `data`* → `end`, or `upgrade` alone; `cut` at any time.
 * Calls after the agent has gone do nothing. Header lists arrive without hop-by-hop fields; the protocol adds its own framing.
 */
export interface Answer {
  /** True after `head` or `upgrade`: the status can no longer be chosen. */
  readonly isStarted: boolean;
  /** Set as soon as nobody waits for the answer any more. */
  readonly gone: EgressError | null;
  /** One listener, for the life of the exchange. If the agent has already gone, `onGone` is called at once. */
  listen(listener: AnswerListener): void;
  /**
   * What follows is a refusal. Where requests follow each other on one wire, those that already wait are not served.
   * @param isFatal the wire or the identity is not to be trusted any more: the connection ends with this answer
   */
  refusing(isFatal: boolean): void;
  /** Sends 100 if the agent waits for it; otherwise nothing. */
  proceed(): void;
  /** 1xx other than 101. */
  inform(status: number, headers: HeaderList): void;
  /** @param hasBody false for HEAD, 204 and 304: then `end` follows at once */
  head(status: number, headers: HeaderList, hasBody: boolean): void;
  /** @returns false when the agent reads slower than data comes: wait for `onDrain` */
  data(chunk: Buffer): boolean;
  /** Trailers are sent where the protocol and the agent allow them. */
  end(trailers: HeaderList): void;
  /** Ends an answer that cannot be finished in a way that the agent cannot take for a complete one. */
  cut(error: EgressError): void;
  /** Answers 101; the stream is raw from here on, and the caller's. Only for requests whose head asks for it. */
  upgrade(headers: HeaderList): Duplex;
}

export interface AnswerListener {
  onDrain(): void;
  /** The agent has gone, the rest of its request is unreadable, or its connection must end: the error says which. */
  onGone(error: EgressError): void;
}
