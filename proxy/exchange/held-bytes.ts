/** What all requests together may hold back, and one instance of it: a quarter, so that none keeps the others from holding anything. */
export class HeldBytes {
  readonly #limitBytes: number;
  readonly #byInstance = new Map<string, number>();
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Bytes that are held now, all together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns false if there is no room; otherwise give the same number back when they are gone */
  take(instance: string, bytes: number): boolean {
    const held = (this.#byInstance.get(instance) ?? 0) + bytes;
    if (held > this.#limitBytes / 4 || this.#bytes + bytes > this.#limitBytes) return false;
    this.#byInstance.set(instance, held);
    this.#bytes += bytes;
    return true;
  }

  /** The same for one instance. */
  roomOf(instance: string): { take(bytes: number): boolean; giveBack(bytes: number): void } {
    return { take: (bytes) => this.take(instance, bytes), giveBack: (bytes) => { this.giveBack(instance, bytes); } };
  }

  giveBack(instance: string, bytes: number): void {
    const held = (this.#byInstance.get(instance) ?? 0) - bytes;
    if (held > 0) this.#byInstance.set(instance, held);
    else this.#byInstance.delete(instance);
    this.#bytes -= bytes;
  }
}
