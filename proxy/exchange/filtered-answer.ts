import { EgressError } from "../errors.ts";
import type { McpAnswer } from "../mcp/mcp.ts";

/** Who takes what is left of an answer. None of them may throw. */
export interface FilteredSink {
  onFiltered(bytes: Buffer): void;
  onFilteredEnd(): void;
  /** Everything that was pushed is through. */
  onFilterIdle(): void;
  onFilterBroken(error: EgressError): void;
}

/** An answer that policy is asked about while it streams: what comes waits for what came before. */
export class FilteredAnswer {
  readonly #answer: McpAnswer;
  readonly #begin: () => void;
  readonly #sink: FilteredSink;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;
  #isBegun = false;
  #isClosed = false;

  /** @param begin sends the head, once there is something to send with it */
  constructor(answer: McpAnswer, begin: () => void, sink: FilteredSink) {
    this.#answer = answer;
    this.#begin = begin;
    this.#sink = sink;
  }

  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  push(chunk: Buffer): void {
    this.#wait(async () => this.#pass(await this.#answer.push(chunk)));
  }

  /** `onFilteredEnd` comes after the last bytes. */
  end(): void {
    this.#wait(async () => {
      this.#pass(await this.#answer.end());
      if (this.#isClosed) return;
      this.#beginOnce();
      this.#sink.onFilteredEnd();
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#answer.close();
  }

  #wait(step: () => Promise<void>): void {
    this.#waiting += 1;
    this.#turn = this.#turn.then(async () => {
      try {
        if (!this.#isClosed) await step();
      } catch (error) {
        if (!this.#isClosed) this.#sink.onFilterBroken(EgressError.from(error));
      }
      this.#waiting -= 1;
      if (!this.#isClosed && this.#waiting === 0) this.#sink.onFilterIdle();
    });
  }

  #pass(bytes: Buffer): void {
    if (this.#isClosed || bytes.byteLength === 0) return;
    this.#beginOnce();
    this.#sink.onFiltered(bytes);
  }

  #beginOnce(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#begin();
  }
}
