import { randomFillSync } from "node:crypto";
import { EgressError } from "../errors.ts";
import type { TextRewrite } from "../model/loan.ts";
import { isControl, readFrameHeader, writeFrame, type FrameHeader } from "./frame-header.ts";

const TEXT = 1;
const CONTINUATION = 0;
const MASK_BIT = 0x80;
const MASK_BYTES = 4;
const NOTHING = Buffer.alloc(0);

/** Room for what is held back, which one instance shares among all that it holds. */
export interface HeldRoom {
  /** @returns false if there is none */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

/**
 * What an agent says on a WebSocket, with the text of whole messages changed. Text is held back until its message is complete and leaves as one
 * frame, masked anew (RFC 6455 §5.3); binary messages and control frames pass as they are, the latter between fragments too.
 */
export class AgentFrames {
  readonly #rewrite: TextRewrite;
  readonly #room: HeldRoom;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #headerBytes: number[] = [];
  readonly #mask = Buffer.alloc(MASK_BYTES);
  #current: FrameHeader | null = null;
  #read = 0;
  #text = NOTHING;
  #textBytes = 0;
  /** Of the message under way; null between two. */
  #kind: "text" | "binary" | null = null;
  /** Set once the bytes cannot be passed on; nothing more comes out. */
  fault: EgressError | null = null;

  constructor(rewrite: TextRewrite, room: HeldRoom) {
    this.#rewrite = rewrite;
    this.#room = room;
  }

  /** Forgets what is held back; nothing more is pushed. */
  release(): void {
    this.#room.giveBack(this.#text.byteLength);
    this.#text = NOTHING;
    this.#textBytes = 0;
  }

  /** @returns what may be sent now; perhaps nothing */
  push(chunk: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < chunk.byteLength && this.fault === null) {
      if (this.#current === null) {
        this.#header(chunk[at] as number, out);
        at += 1;
      } else {
        const part = chunk.subarray(at, at + this.#current.payloadBytes - this.#read);
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
    const bytes = Buffer.from(this.#headerBytes.splice(0));
    const fault = this.#faultIn(header);
    if (fault !== null) return this.#fail("request.malformed", fault);
    if (header.opcode === TEXT) this.#kind = "text";
    else if (header.opcode > TEXT && !isControl(header.opcode)) this.#kind = "binary";
    bytes.copy(this.#mask, 0, bytes.byteLength - MASK_BYTES);
    this.#current = header;
    this.#read = 0;
    if (!this.#isHeld(header)) out.push(bytes);
    else if (!this.#makeRoom(header.payloadBytes)) return;
    if (header.payloadBytes === 0) this.#payload(header, NOTHING, out);
  }

  #faultIn({ opcode, isMasked, reserved }: FrameHeader): string | null {
    if (!isMasked) return "an unmasked frame of a client";
    if (reserved !== 0) return "a frame of an extension that was not agreed on";
    if (isControl(opcode)) return null;
    return (opcode === CONTINUATION) === (this.#kind === null) ? "a fragment out of order" : null;
  }

  #isHeld({ opcode }: FrameHeader): boolean {
    return this.#kind === "text" && !isControl(opcode);
  }

  /** Grows by doubling, so that a million fragments of one byte cost no more than one of a million. */
  #makeRoom(bytes: number): boolean {
    const { messageLimitBytes } = this.#rewrite;
    const needed = this.#textBytes + bytes;
    if (needed > messageLimitBytes) {
      this.#fail("request.body-limit", `a WebSocket message of more than ${messageLimitBytes} bytes, which has to be whole`);
      return false;
    }
    if (needed <= this.#text.byteLength) return true;
    const size = Math.min(messageLimitBytes, Math.max(needed, this.#text.byteLength * 2));
    if (!this.#room.take(size - this.#text.byteLength)) {
      this.#fail("request.body-limit", "more than may be held back at once (exchange.heldBytes)");
      return false;
    }
    const larger = Buffer.alloc(size);
    this.#text.copy(larger, 0, 0, this.#textBytes);
    this.#text = larger;
    return true;
  }

  #payload(header: FrameHeader, part: Buffer, out: Buffer[]): void {
    const isHeld = this.#isHeld(header);
    if (isHeld) {
      for (let at = 0; at < part.byteLength; at += 1) this.#text[this.#textBytes + at] = (part[at] as number) ^ (this.#mask[(this.#read + at) % MASK_BYTES] as number);
      this.#textBytes += part.byteLength;
    } else {
      out.push(part);
    }
    this.#read += part.byteLength;
    if (this.#read < header.payloadBytes) return;
    this.#current = null;
    if (!header.isFinal || isControl(header.opcode)) return;
    this.#kind = null;
    if (isHeld) this.#endText(out);
  }

  #endText(out: Buffer[]): void {
    const bytes = this.#text.subarray(0, this.#textBytes);
    this.release();
    try {
      out.push(maskedFrame(Buffer.from(this.#rewrite.apply(this.#decoder.decode(bytes)), "utf8")));
    } catch {
      // Without its cause: what could not be decoded is the agent's, what was put in is not.
      this.#fail("request.malformed", "a WebSocket text that is not UTF-8, or has too many placeholders");
    }
  }

  #fail(code: "request.malformed" | "request.body-limit", detail: string): void {
    this.fault = new EgressError(code, detail);
  }
}

/** One whole text message as a client sends it. */
function maskedFrame(text: Buffer): Buffer {
  const plain = writeFrame(TEXT, true, text);
  const headBytes = plain.byteLength - text.byteLength;
  const frame = Buffer.allocUnsafe(plain.byteLength + MASK_BYTES);
  plain.copy(frame, 0, 0, headBytes);
  frame[1] = (frame[1] as number) | MASK_BIT;
  const mask = randomFillSync(frame.subarray(headBytes, headBytes + MASK_BYTES));
  for (let at = 0; at < text.byteLength; at += 1) frame[headBytes + MASK_BYTES + at] = (text[at] as number) ^ (mask[at % MASK_BYTES] as number);
  return frame;
}
