import type { Secret } from "../../common/secret.ts";
import { patternsOf } from "./secret-patterns.ts";
import { HOT_CHARACTERS, PatternRow, SecretTrace } from "./secret-trace.ts";
import { LONGEST_WRITING_BYTES } from "./secret-writings.ts";

/** Not worked out yet. */
const UNKNOWN = 0;
/** A beginning of HOT_CHARACTERS, or a whole form: from here on SecretTrace must look. */
const HOT = 1;
/** Nothing has begun. */
const QUIET = 2;
/** More states are made by nothing but hostile text; then all are forgotten. At 512 bytes each: 1 MiB. */
const STATES_LIMIT = 2_048;
const FIRST_ROWS = 32;

/** What has begun and is not hot yet is no longer than this, in bytes: three characters or four gaps at most, and one more byte. */
export const LOOK_BACK_BYTES = HOT_CHARACTERS * LONGEST_WRITING_BYTES;

const scanOf = new WeakMap<readonly Secret[], SecretScan>();

/** The scan for the secrets of a loan; made once for it. */
export function scanFor(secrets: readonly Secret[]): SecretScan {
  let scan = scanOf.get(secrets);
  if (scan === undefined) {
    scan = new SecretScan(secrets);
    scanOf.set(secrets, scan);
  }
  return scan;
}

/**
 * Finds where a secret may begin, at a table look-up for each byte however many secrets and forms there are: an automaton over the first
 * HOT_CHARACTERS of all forms, whose states are made when text first leads to them. Keeps nothing of what it reads.
 */
export class SecretScan {
  readonly row: PatternRow;
  readonly #builder: SecretTrace;
  #table: Uint16Array = new Uint16Array(FIRST_ROWS * 256);
  #items: (Int32Array | undefined)[] = [];
  readonly #states = new Map<string, number>();
  constructor(secrets: readonly Secret[]) {
    this.row = new PatternRow(patternsOf(secrets));
    this.#builder = new SecretTrace(this.row);
    this.#forget();
  }

  /** Looks through bytes until a beginning gets hot. @param begin the state before them @returns the offset of the byte that made it so, or `to` if none did */
  run(bytes: Uint8Array, from: number, to: number, begin: number): number {
    let table = this.#table;
    let state = begin;
    for (let at = from; at < to; at += 1) {
      const byte = bytes[at] as number;
      let next = table[state << 8 | byte] as number;
      if (next <= HOT) {
        if (next === UNKNOWN) next = this.#work(state, byte);
        if (next === HOT) return at;
        table = this.#table;
      }
      state = next;
    }
    return to;
  }

  /** @returns the offset at or before which nothing began that is still alive at `to`, where nothing was hot on the way */
  quietBefore(bytes: Uint8Array, from: number, to: number): number {
    const near = Math.max(from, to - LOOK_BACK_BYTES);
    let quietAt = near;
    let state = QUIET;
    for (let at = near; at < to; at += 1) {
      const known = this.#table[state << 8 | (bytes[at] as number)] as number;
      state = known === UNKNOWN ? this.#work(state, bytes[at] as number) : known;
      if (state === QUIET) quietAt = at + 1;
    }
    return quietAt;
  }

  /** Whether a text needs a closer look. @param text latin1 */
  isSuspect(text: string): boolean {
    let state = QUIET;
    for (let at = 0; at < text.length; at += 1) {
      const byte = text.charCodeAt(at) & 0xff;
      const known = this.#table[state << 8 | byte] as number;
      state = known === UNKNOWN ? this.#work(state, byte) : known;
      if (state === HOT) return true;
    }
    return false;
  }

  /** The state in which these, none of them hot, are alive. */
  stateFor(items: Int32Array): number {
    const key = items.join();
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    if (this.#items.length === STATES_LIMIT) this.#forget();
    const state = this.#items.push(items) - 1;
    if (state << 8 >= this.#table.length) {
      const larger = new Uint16Array(this.#table.length * 2);
      larger.set(this.#table);
      this.#table = larger;
    }
    this.#states.set(key, state);
    return state;
  }

  #work(state: number, byte: number): number {
    const builder = this.#builder;
    builder.load(this.#items[state] as Int32Array);
    builder.step(byte, 0);
    if (builder.isHot || builder.finds.length > 0) return this.#table[state << 8 | byte] = HOT;
    const before = this.#items.length;
    const next = this.stateFor(builder.items());
    // After forgetting, the number of the state that we came from means something else.
    if (this.#items.length >= before) this.#table[state << 8 | byte] = next;
    return next;
  }

  #forget(): void {
    this.#table.fill(UNKNOWN);
    const nothing = new Int32Array(0);
    this.#items = [undefined, undefined, nothing];
    this.#states.clear();
    this.#states.set("", QUIET);
  }
}
