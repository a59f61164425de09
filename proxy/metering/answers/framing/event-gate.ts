import { ByteTail } from "./byte-tail.ts";
import { NO_BYTES } from "./framing.ts";

/** What goes on in place of an event: the event as it came, or other bytes, perhaps none. */
export type Verdict = "pass" | Buffer;

/** Where an event, or its last part, lies in a chunk. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Holds the bytes of the event that is not complete, and collects what of a chunk goes on. Events that pass side by side stay one slice of the chunk: a chunk
 * of whole events is never copied.
 */
export class EventGate {
  readonly #limitBytes: number;
  readonly #tail = new ByteTail();
  #chunk: Buffer = NO_BYTES;
  #out: Buffer[] = [];
  /** Of the chunk, what passes but is not collected yet. */
  #from = 0;
  #to = 0;
  #isBlind = false;

  /** @param limitBytes largest event that is held */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isBlind(): boolean {
    return this.#isBlind;
  }

  open(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#out = [];
    this.#from = 0;
    this.#to = 0;
  }

  /** The event is complete with these bytes of the chunk. @returns true if nothing of it goes on */
  complete({ start, end }: Span, verdictOn: (event: Buffer) => Verdict): boolean {
    const last = this.#chunk.subarray(start, end);
    if (this.#tail.length === 0) return this.#send(last, verdictOn(last), end);
    this.#tail.append(last);
    const event = this.#tail.take();
    const verdict = verdictOn(event);
    return this.#send(event, verdict === "pass" ? event : verdict, end);
  }

  /** Bytes of the chunk that belong to what went before: they go on as it did. */
  follow({ start, end }: Span, isPassed: boolean): void {
    if (this.#tail.length > 0) this.#tail.append(this.#chunk.subarray(start, end));
    if (this.#tail.length === 0 && isPassed) this.#to = end;
    else this.#skip(end);
  }

  /** The rest of the chunk belongs to an event that is not complete. @returns what goes on */
  close(start: number): Buffer {
    this.#tail.append(this.#chunk.subarray(start));
    this.#collect();
    if (this.#tail.length > this.#limitBytes) this.#isBlind = true;
    if (this.#isBlind && this.#tail.length > 0) this.#out.push(this.#tail.take());
    return this.#take();
  }

  /** From here on nothing is read; what is held goes on with the rest of the chunk. */
  giveUp(): void {
    this.#isBlind = true;
  }

  /** The end has come. @returns what of the held bytes goes on */
  end(verdictOn: (event: Buffer) => Verdict): Buffer {
    const event = this.#tail.take();
    if (event.length === 0) return event;
    const verdict = verdictOn(event);
    return verdict === "pass" ? event : verdict;
  }

  /** What is held is not sent. */
  drop(): void {
    this.#tail.take();
  }

  #send(event: Buffer, verdict: Verdict, end: number): boolean {
    if (verdict === "pass") {
      this.#to = end;
      return event.length === 0;
    }
    this.#skip(end);
    if (verdict.length > 0) this.#out.push(verdict);
    return verdict.length === 0;
  }

  #skip(end: number): void {
    this.#collect();
    this.#from = end;
    this.#to = end;
  }

  #collect(): void {
    if (this.#to > this.#from) this.#out.push(this.#chunk.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #take(): Buffer {
    const [first = NO_BYTES] = this.#out;
    const bytes = this.#out.length > 1 ? Buffer.concat(this.#out) : first;
    this.#out = [];
    this.#chunk = NO_BYTES;
    return bytes;
  }
}
