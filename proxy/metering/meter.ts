import type { Usage } from "../model/usage.ts";

/** Counts what flows. Sees every byte once, in order, and keeps none of it; must not throw. */
export interface Meter {
  onRequest(bytes: number): void;
  onResponse(bytes: number): void;
  total(): Usage;
}

export class ByteMeter implements Meter {
  #requestBytes = 0;
  #responseBytes = 0;

  onRequest(bytes: number): void {
    this.#requestBytes += bytes;
  }

  onResponse(bytes: number): void {
    this.#responseBytes += bytes;
  }

  total(): Usage {
    return { requestBytes: this.#requestBytes, responseBytes: this.#responseBytes };
  }
}
