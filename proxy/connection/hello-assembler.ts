import { malformed } from "./client-hello.ts";

const RECORD_HEAD_BYTES = 5;
const HANDSHAKE_RECORD = 22;
/** RFC 8446 §5.1: a plaintext fragment has at most 2^14 bytes, and a handshake fragment at least one. */
const FRAGMENT_LIMIT_BYTES = 1 << 14;
const MESSAGE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;

/**
 * Follows TLS records until one whole ClientHello is there, however it is cut into records and segments. Looks at each record once, and
 * refuses a hello that announces more than the limit as soon as its length is there.
 */
export class HelloAssembler {
  readonly #limitBytes: number;
  readonly #fragments: { readonly start: number; readonly end: number }[] = [];
  #head: Buffer = Buffer.alloc(0);
  #nextRecordAt = 0;
  #gatheredBytes = 0;

  /** @param limitBytes of the message, in bytes */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /**
   * @param seen all bytes of the connection so far
   * @returns true when the hello is whole
   * @throws EgressError `tls.malformed`
   */
  isWhole(seen: Buffer): boolean {
    while (this.#gatheredBytes < this.#wantedBytes && seen.byteLength >= this.#nextRecordAt + RECORD_HEAD_BYTES) {
      const start = this.#nextRecordAt + RECORD_HEAD_BYTES;
      const end = start + readRecordLength(seen.subarray(this.#nextRecordAt, start));
      const head = Buffer.concat([this.#head, seen.subarray(start, Math.min(end, start + MESSAGE_HEAD_BYTES - this.#head.byteLength))]);
      this.#checkHead(head);
      if (seen.byteLength < end) return false;
      this.#head = head;
      this.#fragments.push({ start, end });
      this.#gatheredBytes += end - start;
      this.#nextRecordAt = end;
    }
    if (this.#gatheredBytes > this.#wantedBytes) throw malformed("more bytes behind it in its record");
    return this.#gatheredBytes === this.#wantedBytes;
  }

  /** The message with its handshake header. @param seen what {@link isWhole} said true of */
  messageOf(seen: Buffer): Buffer {
    return Buffer.concat(this.#fragments.map(({ start, end }) => seen.subarray(start, end)));
  }

  get #wantedBytes(): number {
    return this.#head.byteLength < MESSAGE_HEAD_BYTES ? Number.POSITIVE_INFINITY : MESSAGE_HEAD_BYTES + this.#head.readUIntBE(1, 3);
  }

  #checkHead(head: Buffer): void {
    if (head.byteLength > 0 && head[0] !== CLIENT_HELLO) throw malformed("another handshake message");
    if (head.byteLength < MESSAGE_HEAD_BYTES) return;
    const announced = MESSAGE_HEAD_BYTES + head.readUIntBE(1, 3);
    if (announced > this.#limitBytes) throw malformed(`${announced} bytes announced, ${this.#limitBytes} allowed`);
  }
}

function readRecordLength(head: Buffer): number {
  if (head[0] !== HANDSHAKE_RECORD || head[1] !== 3) throw malformed("another record before its end");
  const length = head.readUInt16BE(3);
  if (length === 0 || length > FRAGMENT_LIMIT_BYTES) throw malformed(`record of ${length} bytes`);
  return length;
}
