import { isControl, readFrameHeader, writeFrame, type FrameHeader } from "./frame-header.ts";
import type { Scrubber } from "./scrub.ts";

const CONTINUATION = 0;

/**
 * What a destination says on a WebSocket, with lent secrets masked in what it means: the text of each message as one stream across its
 * fragments, and that of control frames. Writes frames of its own, so that a held back beginning of a secret never breaks one: a message may
 * come in more fragments, none of its bytes changes place. A message ends when it ends: what it held back goes then, and only the rest of a
 * secret that goes on in the next one is masked. Keeps one control frame at most (125 bytes).
 */
export class AnswerFrames {
  readonly #messages: Scrubber;
  readonly #controls: Scrubber;
  readonly #headerBytes: number[] = [];
  #current: FrameHeader | null = null;
  #left = 0;
  #control: Buffer[] = [];
  /** Of the message under way: what its next frame is to be called; null between two messages. */
  #opcode: number | null = null;
  /** Set once the bytes are not what a server may send (RFC 6455 §5); nothing more comes out. */
  fault: string | null = null;

  constructor(messages: Scrubber, controls: Scrubber) {
    this.#messages = messages;
    this.#controls = controls;
  }

  /** @returns whole frames; perhaps none */
  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < chunk.byteLength && this.fault === null) {
      if (this.#current === null) {
        this.#header(chunk[at] as number, out);
        at += 1;
      } else {
        const part = chunk.subarray(at, at + this.#left);
        this.#payload(this.#current, part, out);
        at += part.byteLength;
      }
    }
    return out.length === 1 ? out[0] as Buffer : Buffer.concat(out);
  }

  #header(byte: number, out: Buffer[]): void {
    this.#headerBytes.push(byte);
    const header = readFrameHeader(this.#headerBytes);
    if (header === null) return;
    this.#headerBytes.length = 0;
    this.fault = this.#faultIn(header);
    if (this.fault !== null) return;
    if (!isControl(header.opcode) && header.opcode !== CONTINUATION) this.#opcode = header.opcode;
    this.#current = header;
    this.#left = header.payloadBytes;
    if (this.#left === 0) this.#payload(header, Buffer.alloc(0), out);
  }

  #faultIn({ opcode, isMasked, reserved }: FrameHeader): string | null {
    if (isMasked) return "a masked frame of a server";
    if (reserved !== 0) return "a frame of an extension that was not agreed on";
    if (isControl(opcode)) return null;
    return (opcode === CONTINUATION) === (this.#opcode === null) ? "a fragment out of order" : null;
  }

  #payload(header: FrameHeader, part: Buffer, out: Buffer[]): void {
    this.#left -= part.byteLength;
    const isComplete = this.#left === 0;
    if (isComplete) this.#current = null;
    if (isControl(header.opcode)) this.#controlPart(header, part, out);
    else this.#messagePart(part, isComplete && header.isFinal, out);
  }

  #controlPart({ opcode }: FrameHeader, part: Buffer, out: Buffer[]): void {
    this.#control.push(part);
    if (this.#current !== null) return;
    const clean = this.#controls.push(Buffer.concat(this.#control));
    this.#control = [];
    out.push(writeFrame(opcode, true, Buffer.concat([clean, this.#controls.release()])));
  }

  #messagePart(part: Buffer, isEnd: boolean, out: Buffer[]): void {
    const passed = this.#messages.push(part);
    const clean = isEnd ? Buffer.concat([passed, this.#messages.release()]) : passed;
    if (clean.byteLength === 0 && !isEnd) return;
    out.push(writeFrame(this.#opcode ?? CONTINUATION, isEnd, clean));
    this.#opcode = isEnd ? null : CONTINUATION;
  }
}
