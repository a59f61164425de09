import { EgressError } from "../errors.ts";

/** The body of a request, not encoded, which all calls that came of it share: none of them keeps it once one has left. An answer may stream for an hour. */
export class RequestText {
  #text: Buffer | null;

  constructor(text: Buffer) {
    this.#text = text;
  }

  get bytes(): Buffer {
    if (this.#text === null) throw new EgressError("internal", "a request is written that has left already");
    return this.#text;
  }

  forget(): void {
    this.#text = null;
  }
}
