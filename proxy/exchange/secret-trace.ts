import type { Pattern } from "./secret-patterns.ts";
import { GAP_LIMIT, INDENTATION, LINE_BREAK_WEIGHT, type Writings } from "./secret-writings.ts";

/** So many characters of a form make a beginning that ordinary text seldom has. */
export const HOT_CHARACTERS = 4;
/** Within those, gaps are short, so that a beginning that is not hot yet is short too. */
const EARLY_GAP_LIMIT = LINE_BREAK_WEIGHT + 8;
/** Up to here a list is looked through faster than a table. */
const SHORT_LIST = 32;
const LAST_ROUND = 0xffff_ffff;

/** All patterns in one row: a place in it is one character of one pattern. */
export class PatternRow {
  readonly writings: readonly Writings[];
  /** By place: how many characters of the pattern stand before it; 255 for more. */
  readonly before: Uint8Array;
  /** By place: 1 for the last character of a pattern. */
  readonly isLast: Uint8Array;
  /** By place: 1 if what stands before it is more than chance explains (Pattern.telling). */
  readonly isTelling: Uint8Array;
  /** By place: which secret it is of. */
  readonly secret: Uint16Array;
  /** By place: in which round something was put there last, and where in the list of that round. Shared by all traces: a round is one step of one of them. */
  readonly #roundOf: Uint32Array;
  readonly #indexIn: Uint32Array;
  #round = 0;
  readonly #firsts: readonly number[];
  /** By byte: places and nodes in turn of the beginnings that a byte makes; worked out when needed. */
  readonly #begun: (Int32Array | undefined)[] = Array.from({ length: 256 });

  constructor(patterns: readonly Pattern[]) {
    const places = patterns.flatMap(({ secret, characters, telling }) => characters.map((writings, at) => ({ secret, writings, at, isTelling: at >= telling, isLast: at === characters.length - 1 })));
    this.writings = places.map(({ writings }) => writings);
    this.before = Uint8Array.from(places, ({ at }) => Math.min(at, 255));
    this.isLast = Uint8Array.from(places, ({ isLast }) => Number(isLast));
    this.isTelling = Uint8Array.from(places, ({ isTelling }) => Number(isTelling));
    this.secret = Uint16Array.from(places, ({ secret }) => secret);
    this.#roundOf = new Uint32Array(places.length);
    this.#indexIn = new Uint32Array(places.length);
    this.#firsts = [...places.keys()].filter((place) => places[place]?.at === 0);
  }

  beginRound(): void {
    if (this.#round === LAST_ROUND) this.#roundOf.fill(0);
    this.#round = this.#round === LAST_ROUND ? 1 : this.#round + 1;
  }

  /** Where in the list of this round a place is; -1 if it is not. */
  indexOf(place: number): number {
    return this.#roundOf[place] === this.#round ? this.#indexIn[place] ?? -1 : -1;
  }

  noteIndex(place: number, index: number): void {
    this.#roundOf[place] = this.#round;
    this.#indexIn[place] = index;
  }

  begunBy(byte: number): Int32Array {
    return this.#begun[byte] ??= this.#beginWith(byte);
  }

  #beginWith(byte: number): Int32Array {
    const begun: number[] = [];
    for (const place of this.#firsts) {
      const { next, ends, goesOn } = this.writings[place] as Writings;
      const node = next[byte] ?? 0;
      if (node === 0) continue;
      if (ends[node] === 1) begun.push(place + 1, 0);
      if (goesOn[node] === 1) begun.push(place, node);
    }
    return Int32Array.from(begun);
  }
}

/**
 * Follows every beginning of a secret through a stream, byte by byte, and knows where each began. Exact, and slower than SecretScan, which says
 * where it is needed. Time per byte grows with the beginnings that are alive, not with what was read.
 */
export class SecretTrace {
  readonly #row: PatternRow;
  /** What is alive: the place that comes next; its gap so far and node, as `gap * 256 + node`; where it began. */
  #places: number[] = [];
  #rests: number[] = [];
  #starts: number[] = [];
  #known = new Map<number, number>();
  #hot = 0;
  #telling = 0;
  /** Of the last step: where the finds that it completed began, and which secrets they show. */
  readonly finds: { start: number; secret: number }[] = [];

  constructor(row: PatternRow) {
    this.#row = row;
  }

  /** True while anything of HOT_CHARACTERS is alive. */
  get isHot(): boolean {
    return this.#hot > 0;
  }

  /** True while anything is alive that is more than chance explains. */
  get isTelling(): boolean {
    return this.#telling > 0;
  }

  /** The earliest of those; null if there is none. */
  get telling(): { readonly start: number; readonly secret: number } | null {
    return this.#earliest((place) => this.#row.isTelling[place] === 1);
  }

  /** Where the earliest beginning that is alive stands; Infinity if none is. */
  get earliest(): number {
    let earliest = Infinity;
    for (const start of this.#starts) if (start < earliest) earliest = start;
    return earliest;
  }

  /** The earliest beginning of at least so many characters; null if none is alive. */
  longestBegun(characters: number): { readonly start: number; readonly secret: number } | null {
    return this.#earliest((place) => (this.#row.before[place] ?? 0) >= characters);
  }

  #earliest(counts: (place: number) => boolean): { readonly start: number; readonly secret: number } | null {
    let begun: { start: number; secret: number } | null = null;
    for (const [index, place] of this.#places.entries()) {
      const start = this.#starts[index] ?? 0;
      if (counts(place) && start < (begun?.start ?? Infinity)) begun = { start, secret: this.#row.secret[place] ?? 0 };
    }
    return begun;
  }

  clear(): void {
    this.#begin();
  }

  /** What is alive, without where it began: place and rest in turn, in a fixed order. */
  items(): Int32Array {
    const order = [...this.#places.keys()].toSorted((one, other) => (this.#places[one] ?? 0) - (this.#places[other] ?? 0) || (this.#rests[one] ?? 0) - (this.#rests[other] ?? 0));
    return Int32Array.from(order.flatMap((at) => [this.#places[at] ?? 0, this.#rests[at] ?? 0]));
  }

  load(items: Int32Array): void {
    this.#begin();
    for (let at = 0; at < items.length; at += 2) this.#add(items[at] ?? 0, items[at + 1] ?? 0, 0);
  }

  /** @param at where the byte stands, in any count that only goes up */
  step(byte: number, at: number): void {
    const places = this.#places;
    const rests = this.#rests;
    const starts = this.#starts;
    this.#begin();
    for (let index = 0; index < places.length; index += 1) this.#advance(places[index] ?? 0, rests[index] ?? 0, starts[index] ?? 0, byte);
    const begun = this.#row.begunBy(byte);
    for (let index = 0; index < begun.length; index += 2) this.#add(begun[index] ?? 0, begun[index + 1] ?? 0, at);
  }

  #begin(): void {
    this.#places = [];
    this.#rests = [];
    this.#starts = [];
    this.#hot = 0;
    this.#telling = 0;
    this.finds.length = 0;
    this.#row.beginRound();
    if (this.#known.size > 0) this.#known.clear();
  }

  #advance(place: number, rest: number, start: number, byte: number): void {
    const { next, ends, gaps, goesOn } = this.#row.writings[place] as Writings;
    const node = next[(rest & 0xff) << 8 | byte] ?? 0;
    if (node === 0) return;
    if (ends[node] === 1) {
      if (this.#row.isLast[place] === 1) this.finds.push({ start, secret: this.#row.secret[place] ?? 0 });
      else this.#add(place + 1, 0, start);
    }
    const gap = rest >> 8;
    const weight = gaps[node] ?? 0;
    if (weight > 0 && this.#mayGap(place, gap, weight)) this.#add(place, gap + (weight === INDENTATION ? 1 : weight) << 8, start);
    if (goesOn[node] === 1) this.#add(place, gap << 8 | node, start);
  }

  #mayGap(place: number, gap: number, weight: number): boolean {
    if (weight === INDENTATION && gap < LINE_BREAK_WEIGHT) return false;
    return gap + weight <= ((this.#row.before[place] ?? 0) < HOT_CHARACTERS ? EARLY_GAP_LIMIT : GAP_LIMIT);
  }

  #add(place: number, rest: number, start: number): void {
    const same = this.#find(place, rest);
    if (same !== -1) {
      this.#starts[same] = Math.min(this.#starts[same] ?? start, start);
      return;
    }
    if (rest === 0) this.#row.noteIndex(place, this.#places.length);
    else if (this.#known.size > 0) this.#known.set(place * 65_536 + rest, this.#places.length);
    this.#places.push(place);
    this.#rests.push(rest);
    this.#starts.push(start);
    if ((this.#row.before[place] ?? 0) >= HOT_CHARACTERS) this.#hot += 1;
    if (this.#row.isTelling[place] === 1) this.#telling += 1;
  }

  /** At the beginning of a character it is a look-up; in the middle of a writing or of a gap there are seldom many. */
  #find(place: number, rest: number): number {
    if (rest === 0) return this.#row.indexOf(place);
    const alive = this.#places.length;
    if (alive >= SHORT_LIST) {
      if (this.#known.size === 0) for (let at = 0; at < alive; at += 1) this.#known.set((this.#places[at] ?? 0) * 65_536 + (this.#rests[at] ?? 0), at);
      return this.#known.get(place * 65_536 + rest) ?? -1;
    }
    for (let at = 0; at < alive; at += 1) if (this.#places[at] === place && this.#rests[at] === rest) return at;
    return -1;
  }
}
