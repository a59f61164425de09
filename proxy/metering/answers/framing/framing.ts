/** One event of an answer that streams, taken out of its framing. */
export interface StreamEvent {
  /** `event:` of an event source, `:event-type` of an AWS event stream; null where there is none. */
  readonly name: string | null;
  /** What it carries: JSON, or `[DONE]`. */
  readonly data: string;
}

/** What becomes of an event: `pass` as it came, byte for byte; `swallow`: none of its bytes; else it goes on with this data in place of its own. */
export type Fate = "pass" | "swallow" | { readonly data: string };

/** Sees each event once, in order, when all of it is here. Must not throw. */
export type EventSight = (event: StreamEvent) => Fate;

/**
 * Finds the events in the bytes of an answer, wherever the chunks are split. An event goes on as soon as it is complete and not before: no client
 * can use half of one, and where nothing has half gone out, an ending can follow at any time.
 */
export interface Framing {
  /** @returns what goes on: whole events */
  push(chunk: Buffer, see: EventSight): Buffer;
  /** @returns what is left; a last event that lacks only its end is seen too */
  end(see: EventSight): Buffer;
  /** True once an event is larger than the limit or is none at all: from there on all passes unread. */
  readonly isBlind: boolean;
  /**
   * Our own last events in this form, perhaps none, after all that went on so far; what is held of an incomplete event is dropped.
   * @returns nothing if an answer of this form cannot be ended
   */
  close(events: readonly StreamEvent[]): Buffer;
}

export const NO_BYTES = Buffer.alloc(0);
