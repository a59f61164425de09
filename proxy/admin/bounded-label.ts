export const OTHER = "other";

/** Lets the first values through and calls the others `other`: a series costs memory for as long as the proxy runs, and in the scraper too. */
export class BoundedLabel {
  readonly #known = new Set<string>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(value: string): string {
    return this.has(value) ? value : OTHER;
  }

  /** Whether the value is one of the first; it becomes one while there is room. */
  has(value: string): boolean {
    if (this.#known.has(value)) return true;
    if (this.#known.size >= this.#limit) return false;
    this.#known.add(value);
    return true;
  }
}
