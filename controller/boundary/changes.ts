import { setTimeout as sleep } from "node:timers/promises";
import type { Informer, KubeObject } from "../../common/kube/kube-api.ts";

/**
 * Remembers that a spec changed, and wakes whoever waits for it. Statuses are written all the time, by this room and by others; they change no
 * generation, and nothing follows from them here.
 */
export class SpecChanges {
  readonly #stops: readonly (() => void)[];
  #hasChanged = false;
  #wake: () => void = () => undefined;

  constructor(informers: readonly Pick<Informer, "onChange">[]) {
    this.#stops = informers.map((informer) => {
      const known = new Map<string, string>();
      return informer.onChange(({ namespace = "", name }, object) => {
        const key = `${namespace}/${name}`;
        const version = object === null ? undefined : versionOf(object);
        if (version !== undefined && known.get(key) === version) return;
        if (version === undefined) known.delete(key);
        else known.set(key, version);
        this.#hasChanged = true;
        this.#wake();
      });
    });
  }

  /** What changed until now is taken care of. */
  forget(): void {
    this.#hasChanged = false;
  }

  /** Resolves at the next change since `forget`, when the time is over, or when the signal aborts. */
  async next(withinMs: number, signal: AbortSignal): Promise<void> {
    if (this.#hasChanged) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const turn = new AbortController();
    const elapsed = sleep(withinMs, undefined, { signal: AbortSignal.any([signal, turn.signal]) }).catch(() => undefined);
    await Promise.race([promise, elapsed]);
    turn.abort();
    await elapsed;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}

const versionOf = ({ metadata }: KubeObject): string => `${metadata.uid ?? ""} ${metadata.generation ?? metadata.resourceVersion ?? ""}`;
