import { Socket } from "node:net";
import { Transform, type Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TLSSocket } from "node:tls";
import type { Direction } from "../budget/budget-ledger.ts";
import { EgressError } from "../errors.ts";
import type { Screened } from "../model/connection.ts";
import type { Usage } from "../model/usage.ts";
import { reset } from "./close-gently.ts";
import type { Toll } from "./toll.ts";

export interface SpliceOptions {
  readonly idleTimeoutMs: number;
  /** Called for every chunk, either way. */
  readonly onBytes: () => void;
  /** Where the agent's bytes come from; its socket if left out. */
  readonly near?: Socket;
  /** How long one direction may go on after the other has ended, in milliseconds; as long as it likes if left out. */
  readonly halfOpenMs?: number;
}

/** Two metered pipes between an agent and a destination; each ends by itself, so that half-closed connections go on where a protocol has them. */
export class Splice {
  hasBegun = false;
  #requestBytes = 0;
  #responseBytes = 0;
  readonly #screened: Screened;
  readonly #near: Socket;
  readonly #toll: Toll;
  readonly #idleTimeoutMs: number;
  readonly #onBytes: () => void;
  readonly #halfOpenMs: number | null;
  readonly #cut = new AbortController();

  constructor(screened: Screened, toll: Toll, { idleTimeoutMs, onBytes, near = screened.socket, halfOpenMs }: SpliceOptions) {
    this.#screened = screened;
    this.#near = near;
    this.#toll = toll;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onBytes = onBytes;
    this.#halfOpenMs = halfOpenMs ?? null;
  }

  get usage(): Usage {
    return { requestBytes: this.#requestBytes, responseBytes: this.#responseBytes };
  }

  /** Owns the far stream. @throws EgressError that says which side ended it, or what cut it */
  async run(far: Duplex): Promise<void> {
    const near = this.#near;
    const bounded = AbortSignal.any([this.#screened.signal, this.#cut.signal]);
    this.hasBegun = true;
    this.#watch(far, bounded);
    const endWatch = this.#toll.watch((reason) => { this.#cut.abort(reason); });
    const up = this.#meter("out", (bytes) => { this.#requestBytes += bytes; });
    const down = this.#meter("in", (bytes) => { this.#responseBytes += bytes; });
    try {
      const directions = [pipeline(near, up, far, { signal: bounded }), pipeline(far, down, near, { signal: bounded })];
      if (this.#halfOpenMs !== null) void this.#endTogether(directions, this.#halfOpenMs);
      await Promise.all(directions);
    } catch (error) {
      bounded.throwIfAborted();
      throw new EgressError("relay.aborted", "a side ended the tunnel early", { cause: error });
    } finally {
      endWatch();
      near.setTimeout(0);
      far.destroy();
    }
  }

  /** Set up before the pipelines, which would turn a reset of one side into a proper end of the other. */
  #watch(far: Duplex, bounded: AbortSignal): void {
    const near = this.#near;
    const cut = (reason: EgressError) => { this.#cut.abort(reason); };
    bounded.addEventListener("abort", () => {
      reset(this.#screened);
      // Inside TLS there is no reset: the peer sees an end without a farewell, and that is none either.
      if (far instanceof Socket && !(far instanceof TLSSocket)) far.resetAndDestroy();
      else far.destroy();
    });
    near.once("error", (cause) => { cut(new EgressError("relay.aborted", "the agent reset the tunnel", { cause })); });
    far.once("error", (cause) => { cut(new EgressError("upstream.aborted", "the destination reset the tunnel", { cause })); });
    // Every byte passes the agent's socket, so that its idle time is the tunnel's.
    near.setTimeout(this.#idleTimeoutMs, () => { cut(new EgressError("wire.silent", `no byte in ${this.#idleTimeoutMs} ms`)); });
  }

  /** Cuts the other direction if it does not end soon after the first. Never rejects. */
  async #endTogether(directions: readonly Promise<void>[], lingerMs: number): Promise<void> {
    await Promise.race(directions).catch(() => undefined);
    const timer = setTimeout(() => { this.#cut.abort(new EgressError("relay.aborted", `one side ended, and the other not within ${lingerMs} ms`)); }, lingerMs);
    await Promise.allSettled(directions);
    clearTimeout(timer);
  }

  async #passAfter(refill: Promise<void>, pass: () => void): Promise<void> {
    await refill;
    pass();
  }

  #meter(direction: Direction, count: (bytes: number) => void): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        const { reservation } = this.#toll;
        if (!reservation.take(direction, chunk.byteLength)) {
          const error = this.#toll.refusal("bytes");
          this.#cut.abort(error);
          done(error);
          return;
        }
        count(chunk.byteLength);
        this.#onBytes();
        // While the ledger is asked for more, nothing more is read of this side.
        const { refill } = reservation;
        if (refill === null) done(null, chunk);
        else void this.#passAfter(refill, () => { done(null, chunk); });
      },
    });
  }
}
