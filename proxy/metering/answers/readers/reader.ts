import type { TokenCounts } from "../../../model/metered-call.ts";
import type { Fate, StreamEvent } from "../framing/framing.ts";
import type { JsonObject } from "../json-text.ts";

/** Reads the answers of one API. Never throws. */
export interface StreamReader {
  /** The next event of a stream. */
  read(event: StreamEvent): Fate;
  /** The provider ended the stream; for APIs whose last event does not say that it is the last. Not called for a stream that was cut. */
  end?(): void;
  /**
   * The events that end the stream at this point as if the limit of output had been reached.
   * @param spent what the client is told that it used
   */
  ending(spent: TokenCounts): readonly StreamEvent[];
}

/** Reads an answer in one piece. @param json as written */
export type BodyReader = (body: JsonObject, json: string) => void;
