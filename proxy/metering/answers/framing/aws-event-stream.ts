import { EventStreamCodec } from "@smithy/eventstream-codec";
import { EventGate, type Verdict } from "./event-gate.ts";
import { NO_BYTES } from "./framing.ts";
import type { EventSight, Framing, StreamEvent } from "./framing.ts";

/** Total length, length of the headers, CRC of both. */
const PRELUDE_BYTES = 12;
const LEAST_FRAME_BYTES = PRELUDE_BYTES + 4;
const EXCEPTION = "exception";

const codec = new EventStreamCodec((bytes) => Buffer.from(bytes).toString("utf8"), (text) => Buffer.from(text));

/** `application/vnd.amazon.eventstream`: frames with their length first and two checksums; a frame whose checksums are wrong ends the reading. */
export class AwsEventStreamFraming implements Framing {
  readonly #gate: EventGate;
  readonly #limitBytes: number;
  readonly #prelude = Buffer.alloc(PRELUDE_BYTES);
  /** Of the frame that is not complete. */
  #seenBytes = 0;
  #frameBytes: number | null = null;

  /** @param limitBytes largest frame that is read */
  constructor(limitBytes: number) {
    this.#gate = new EventGate(limitBytes);
    this.#limitBytes = limitBytes;
  }

  get isBlind(): boolean {
    return this.#gate.isBlind;
  }

  push(chunk: Buffer, see: EventSight): Buffer {
    if (this.#gate.isBlind) return chunk;
    this.#gate.open(chunk);
    let start = 0;
    while (start < chunk.length && !this.#gate.isBlind) {
      const end = this.#endOfFrame(chunk, start);
      if (end === null) break;
      this.#gate.complete({ start, end }, (frame) => this.#verdictOn(frame, see));
      start = end;
    }
    return this.#gate.close(start);
  }

  end(): Buffer {
    return this.#gate.end(() => "pass");
  }

  close(events: readonly StreamEvent[]): Buffer {
    if (this.#gate.isBlind) return NO_BYTES;
    this.#gate.drop();
    return Buffer.concat(events.map(encode));
  }

  /** @returns null if the frame goes beyond the chunk, or is none: the gate is blind then */
  #endOfFrame(chunk: Buffer, start: number): number | null {
    const wanted = Math.max(0, PRELUDE_BYTES - this.#seenBytes);
    chunk.copy(this.#prelude, this.#seenBytes, start, Math.min(chunk.length, start + wanted));
    const before = this.#seenBytes;
    this.#seenBytes += chunk.length - start;
    if (this.#frameBytes === null && this.#seenBytes >= PRELUDE_BYTES) this.#frameBytes = this.#prelude.readUInt32BE(0);
    if (this.#frameBytes === null) return null;
    if (this.#frameBytes < LEAST_FRAME_BYTES || this.#frameBytes > this.#limitBytes) this.#gate.giveUp();
    if (this.#gate.isBlind || this.#seenBytes < this.#frameBytes) return null;
    const end = start + this.#frameBytes - before;
    this.#seenBytes = 0;
    this.#frameBytes = null;
    return end;
  }

  #verdictOn(frame: Buffer, see: EventSight): Verdict {
    const event = decode(frame);
    if (event === null) this.#gate.giveUp();
    else see(event);
    return "pass";
  }
}

/** @returns null if a checksum or a header is wrong */
function decode(frame: Buffer): StreamEvent | null {
  try {
    const { headers, body } = codec.decode(frame);
    const textOf = (name: string) => { const header = headers[name]; return header?.type === "string" ? header.value : null; };
    const type = textOf(":message-type") === EXCEPTION || textOf(":message-type") === "error" ? EXCEPTION : textOf(":event-type");
    return { name: type, data: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8") };
  } catch {
    return null;
  }
}

function encode({ name, data }: StreamEvent): Buffer {
  const header = (value: string) => ({ type: "string" as const, value });
  return Buffer.from(codec.encode({
    headers: { ":event-type": header(name ?? ""), ":content-type": header("application/json"), ":message-type": header("event") }, body: Buffer.from(data),
  }));
}
