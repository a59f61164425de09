import type { Duplex } from "node:stream";

/** What arrived, and why the wait was over. `bytes` may hold more than was asked for: they came in the same read. */
export interface Gathered {
  readonly bytes: Buffer;
  readonly end: "enough" | "limit" | "deadline" | "closed";
}

export interface GatherLimits {
  readonly limitBytes: number;
  readonly deadlineMs: number;
}

const EVENTS = ["readable", "end", "close", "error"] as const;

/**
 * Collects first bytes until `isEnough` says so, and never waits for ever. Takes them out of the socket: the caller puts back, once, what
 * is not its own (`unshift` inside the loop would fire `readable` again and spin).
 * @param isEnough called with all bytes so far each time some arrive; what it throws ends the wait
 * @throws the signal's reason
 */
export async function gather(socket: Duplex, isEnough: (seen: Buffer) => boolean, limits: GatherLimits, signal: AbortSignal): Promise<Gathered> {
  const seen = new GrowingBuffer();
  const bell = new Bell(socket, limits.deadlineMs, signal);
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk = socket.read() as Buffer | null;
      if (chunk !== null) {
        seen.append(chunk);
        if (isEnough(seen.bytes)) return { bytes: seen.bytes, end: "enough" };
        if (seen.bytes.byteLength >= limits.limitBytes) return { bytes: seen.bytes, end: "limit" };
      } else if (socket.readableEnded || socket.destroyed) {
        return { bytes: seen.bytes, end: "closed" };
      } else if (bell.isLate) {
        return { bytes: seen.bytes, end: "deadline" };
      } else {
        await bell.rung();
      }
    }
  } finally {
    bell.remove();
  }
}

/** Wakes one waiter whenever the socket has news, the deadline passes or the signal aborts. */
class Bell {
  isLate = false;
  #waiter = Promise.withResolvers<void>();
  readonly #socket: Duplex;
  readonly #signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(socket: Duplex, deadlineMs: number, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    for (const event of EVENTS) socket.on(event, this.#ring);
    signal.addEventListener("abort", this.#ring);
    this.#timer = setTimeout(() => {
      this.isLate = true;
      this.#ring();
    }, deadlineMs);
  }

  async rung(): Promise<void> {
    await this.#waiter.promise;
    this.#waiter = Promise.withResolvers<void>();
  }

  remove(): void {
    clearTimeout(this.#timer);
    for (const event of EVENTS) this.#socket.off(event, this.#ring);
    this.#signal.removeEventListener("abort", this.#ring);
  }

  readonly #ring = (): void => { this.#waiter.resolve(); };
}

/** Appends in amortised linear time: a client that sends 64 KB byte by byte must not cost 2 GB of copying. */
class GrowingBuffer {
  bytes: Buffer = Buffer.alloc(0);
  #store: Buffer = this.bytes;

  append(chunk: Buffer): void {
    const before = this.bytes.byteLength;
    const after = before + chunk.byteLength;
    if (before === 0) {
      this.bytes = chunk;
      return;
    }
    if (this.#store.byteLength < after) {
      this.#store = Buffer.alloc(Math.max(2 * after, 1_024));
      this.bytes.copy(this.#store);
    }
    chunk.copy(this.#store, before);
    this.bytes = this.#store.subarray(0, after);
  }
}
