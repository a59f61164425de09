const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("\r\n0\r\n\r\n");
const NOTHING = Buffer.alloc(0);

/**
 * Counts responses on one connection, as cheaply as a driver must. Knows Content-Length and the end of a chunked body, and nothing else:
 * it is told what comes, and throws at anything but 200.
 */
export class ResponseReader {
  #partialHead: Buffer = NOTHING;
  #bodyLeftBytes = 0;
  /** The last bytes of a chunked body so far; null when the body has a length. */
  #chunkedTail: Buffer | null = null;
  bodyBytes = 0;

  /** @returns true when a response has ended with this chunk; one request is in flight at a time */
  push(chunk: Buffer): boolean {
    if (this.#chunkedTail !== null) return this.#pushChunked(chunk);
    if (this.#bodyLeftBytes > 0) return this.#pushBody(chunk);
    const seen = this.#partialHead.byteLength === 0 ? chunk : Buffer.concat([this.#partialHead, chunk]);
    const headBytes = seen.indexOf(HEAD_END);
    if (headBytes === -1) {
      this.#partialHead = seen;
      return false;
    }
    this.#partialHead = NOTHING;
    this.#readHead(seen.toString("latin1", 0, headBytes + 2).toLowerCase());
    const body = seen.subarray(headBytes + HEAD_END.byteLength);
    if (this.#chunkedTail !== null) return this.#pushChunked(Buffer.concat([Buffer.from("\r\n"), body]));
    return this.#pushBody(body);
  }

  #readHead(head: string): void {
    if (!head.startsWith("http/1.1 200")) throw new Error(`unexpected answer: ${head.slice(0, 200)}`);
    const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
    if (length !== undefined) this.#bodyLeftBytes = Number(length);
    else if (/\r\ntransfer-encoding: *chunked/.test(head)) this.#chunkedTail = NOTHING;
    else throw new Error(`answer of unknown length: ${head.slice(0, 200)}`);
  }

  #pushBody(chunk: Buffer): boolean {
    this.bodyBytes += chunk.byteLength;
    this.#bodyLeftBytes -= chunk.byteLength;
    if (this.#bodyLeftBytes < 0) throw new Error("more bytes than the answer has");
    return this.#bodyLeftBytes === 0;
  }

  #pushChunked(chunk: Buffer): boolean {
    this.bodyBytes += chunk.byteLength;
    const tail = Buffer.concat([this.#chunkedTail ?? NOTHING, chunk.subarray(-LAST_CHUNK.byteLength)]).subarray(-LAST_CHUNK.byteLength);
    const hasEnded = tail.equals(LAST_CHUNK);
    this.#chunkedTail = hasEnded ? null : tail;
    return hasEnded;
  }
}
