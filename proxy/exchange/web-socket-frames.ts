/** Where frames begin and end in one direction of a WebSocket (RFC 6455 §5.2). Reads lengths only, keeps at most 14 bytes. */
export class FrameTracker {
  readonly #header = Buffer.alloc(14);
  #headerBytes = 0;
  #payloadLeft = 0;
  /** Set once the bytes are no WebSocket frames; nothing is tracked any more. */
  fault: string | null = null;

  /** True between two frames: another frame may be put in here. */
  get isAtBoundary(): boolean {
    return this.#headerBytes === 0 && this.#payloadLeft === 0;
  }

  /** Follows a whole chunk. @returns how many of its bytes belong to frames; fewer than its length only after a fault */
  follow(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.byteLength && this.fault === null) at = this.#step(chunk, at);
    return at;
  }

  /** Follows a chunk up to the first boundary. @returns how many bytes that took: all of them if the frame goes on */
  followToBoundary(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.byteLength && !this.isAtBoundary && this.fault === null) at = this.#step(chunk, at);
    return at;
  }

  #step(chunk: Buffer, at: number): number {
    if (this.#payloadLeft > 0) {
      const taken = Math.min(this.#payloadLeft, chunk.byteLength - at);
      this.#payloadLeft -= taken;
      return at + taken;
    }
    this.#header[this.#headerBytes] = chunk[at] ?? 0;
    this.#headerBytes += 1;
    if (this.#headerBytes === this.#headerLength()) this.#endHeader();
    return at + 1;
  }

  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header[1] ?? 0;
    const length = second & 0x7f;
    return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
  }

  #endHeader(): void {
    const first = this.#header[0] ?? 0;
    const length = (this.#header[1] ?? 0) & 0x7f;
    const payload = length === 126 ? this.#header.readUInt16BE(2) : length === 127 ? Number(this.#header.readBigUInt64BE(2)) : length;
    const isControl = (first & 0x08) !== 0;
    if (!Number.isSafeInteger(payload)) this.fault = "a frame longer than any message";
    else if (isControl && (payload > 125 || (first & 0x80) === 0)) this.fault = "a control frame that is long or in parts";
    else if ([3, 4, 5, 6, 7, 11, 12, 13, 14, 15].includes(first & 0x0f)) this.fault = "a frame of no known kind";
    this.#payloadLeft = payload;
    this.#headerBytes = 0;
  }
}

/** A close frame as a server sends it: unmasked, status, short reason. */
export function closeFrame(status: number, reason: string): Buffer {
  const text = Buffer.from(reason.slice(0, 100), "latin1");
  const frame = Buffer.alloc(4 + text.byteLength);
  frame.writeUInt8(0x88, 0);
  frame.writeUInt8(2 + text.byteLength, 1);
  frame.writeUInt16BE(status, 2);
  text.copy(frame, 4);
  return frame;
}
