import type { Readable } from "node:stream";
import { EgressError } from "../errors.ts";
import type { Incoming } from "../model/incoming.ts";
import type { Watched } from "./idle-watch.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/** How much of a body may be held back, and for whom. */
export interface HoldLimit {
  readonly bytes: number;
  /** Names the rule to which the agent owes this. */
  readonly rule: string;
  /** Why it has to be whole, as the agent reads it: a sentence without its end. */
  readonly because: string;
  /** Where the number of bytes is set. */
  readonly setting: string;
}

/** A body that was held back, and what says that it is gone. */
export interface Held {
  readonly bytes: Buffer;
  readonly release: () => void;
}

/** The same while it is read and changed: all that is made of it counts against what may be held back. */
export interface HeldToRead extends Held {
  /** Counts what is made of it besides. @throws EgressError `request.body-limit` if there is no room */
  take(bytes: number): void;
  /**
   * Holds this in place of all that was held and made until now.
   * @param besides bytes of what was made and stays @throws EgressError `request.body-limit`
   */
  keep(bytes: Buffer, besides?: number): void;
}

/** Of a request that has none. */
export const NO_BODY: HeldToRead = { bytes: Buffer.alloc(0), take: () => {}, keep: () => {}, release: () => {} };

/**
 * The whole body of a request that is signed, filled in or counted as a whole. Reads no more than the limit, and only as long as the agent keeps sending.
 * @param announcedBytes null if only the end will tell
 * @throws EgressError `request.body-limit`, `request.timeout`, `relay.aborted`, or the reason for which the connection ended
 */
export async function holdBody(incoming: Incoming & { readonly body: Readable }, announcedBytes: number | null, limit: HoldLimit, path: ExchangePath): Promise<HeldToRead> {
  if (announcedBytes !== null && announcedBytes > limit.bytes) throw tooLarge(limit);
  const hold = new BodyHold(incoming, limit, path);
  const endWatch = path.watch.add(hold);
  try {
    await hold.start();
    return hold;
  } catch (error) {
    hold.release();
    throw error;
  } finally {
    endWatch();
    hold.stop();
  }
}

/** The same of a body that was held back before, by whoever releases it. @throws EgressError `request.body-limit` */
export function heldAlready(bytes: Buffer, limit: HoldLimit): Held {
  if (bytes.byteLength > limit.bytes) throw tooLarge(limit);
  return { bytes, release: () => {} };
}

/** A body that is held is rarely smaller. */
const FIRST_ROOM_BYTES = 4_096;

class BodyHold implements Watched, HeldToRead {
  readonly #incoming: Incoming & { readonly body: Readable };
  readonly #limit: HoldLimit;
  readonly #path: ExchangePath;
  readonly #startedMs: number;
  #lastByteMs: number;
  /** One that grows: a chunk of a single byte must not cost an object that is kept. */
  #held: Buffer = Buffer.alloc(0);
  #bytes = 0;
  /** Of them, those that count against what may be held. */
  #taken = 0;
  readonly #whole = Promise.withResolvers<undefined>();

  constructor(incoming: Incoming & { readonly body: Readable }, limit: HoldLimit, path: ExchangePath) {
    this.#incoming = incoming;
    this.#limit = limit;
    this.#path = path;
    this.#startedMs = this.#lastByteMs = path.rooms.clock.monotonicMs();
  }

  /** Until the body is whole. */
  async start(): Promise<void> {
    const { answer, body, connection } = this.#incoming;
    if (answer.gone !== null) throw answer.gone;
    connection.signal.throwIfAborted();
    if (body.destroyed) throw aborted();
    connection.signal.addEventListener("abort", this.#onAbort, { once: true });
    body.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onBroken).on("close", this.#onClose).resume();
    answer.proceed();
    await this.#whole.promise;
  }

  /** The listener for errors stays: a body that breaks after the refusal must not end the process. */
  stop(): void {
    const { body, connection } = this.#incoming;
    connection.signal.removeEventListener("abort", this.#onAbort);
    body.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose).pause();
  }

  get bytes(): Buffer {
    return this.#held.subarray(0, this.#bytes);
  }

  take(bytes: number): void {
    if (!this.#hasTaken(bytes)) throw tooMuch(this.#limit);
  }

  keep(bytes: Buffer, besides = 0): void {
    const more = bytes.byteLength + besides - this.#taken;
    if (more > 0) this.take(more);
    else this.#giveBack(-more);
    this.#held = bytes;
    this.#bytes = bytes.byteLength;
  }

  readonly release = (): void => { this.#giveBack(this.#taken); };

  #hasTaken(bytes: number): boolean {
    const isTaken = this.#path.held.take(this.#incoming.connection.agent, bytes);
    if (isTaken) this.#taken += bytes;
    return isTaken;
  }

  #giveBack(bytes: number): void {
    this.#path.held.giveBack(this.#incoming.connection.agent, bytes);
    this.#taken -= bytes;
  }

  endIfIdle(nowMs: number): void {
    const { bodyIdleTimeoutMs, heldBodyTimeoutMs } = this.#path.config;
    if (nowMs - this.#lastByteMs >= bodyIdleTimeoutMs) this.#whole.reject(new EgressError("request.timeout", `no byte of the body for ${bodyIdleTimeoutMs} ms`));
    else if (nowMs - this.#startedMs >= heldBodyTimeoutMs) this.#whole.reject(new EgressError("request.timeout", `a body that has to be whole was not within ${heldBodyTimeoutMs} ms`));
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#lastByteMs = this.#path.rooms.clock.monotonicMs();
    this.#bytes += chunk.byteLength;
    const isSmall = this.#bytes <= this.#limit.bytes;
    if (isSmall && this.#hasTaken(chunk.byteLength)) {
      this.#append(chunk);
      return;
    }
    this.#incoming.body.pause();
    this.#whole.reject(isSmall ? tooMuch(this.#limit) : tooLarge(this.#limit));
  };

  readonly #onEnd = (): void => { this.#whole.resolve(undefined); };

  #append(chunk: Buffer): void {
    if (this.#bytes > this.#held.byteLength) {
      const grown = Buffer.alloc(Math.min(Math.max(2 * this.#held.byteLength, this.#bytes, FIRST_ROOM_BYTES), this.#limit.bytes));
      this.#held.copy(grown);
      this.#held = grown;
    }
    chunk.copy(this.#held, this.#bytes - chunk.byteLength);
  }

  readonly #onBroken = (cause: unknown): void => { this.#whole.reject(this.#incoming.answer.gone ?? aborted(cause)); };

  readonly #onClose = (): void => {
    if (!this.#incoming.body.readableEnded) this.#onBroken(new Error("the body ended early"));
  };

  readonly #onAbort = (): void => { this.#whole.reject(EgressError.from(this.#incoming.connection.signal.reason)); };
}

function aborted(cause?: unknown): EgressError {
  return new EgressError("relay.aborted", "the request body ended early", { cause });
}

function tooLarge({ bytes, rule, because, setting }: HoldLimit): EgressError {
  const reason = `${because}, and the body is larger than ${bytes} bytes.`;
  return new EgressError("request.body-limit", `a body of more than ${bytes} bytes has to be whole`, {
    explanation: { rule, reason, hint: `Send it in smaller parts, or ask for a larger ${setting}.` },
  });
}

function tooMuch({ rule }: HoldLimit): EgressError {
  return new EgressError("request.body-limit", "more than may be held back at once (exchange.heldBytes)", {
    explanation: { rule, reason: "More bodies are being held back at the moment than there is room for.", hint: "Send fewer of these requests at the same time, and try again." },
  });
}
