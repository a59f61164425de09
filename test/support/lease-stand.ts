import type { CachedSecret, SecretParts } from "../../proxy/credentials/cached-secret.ts";
import { LeaseDesk, type CredentialEvent } from "../../proxy/credentials/leases/lease-desk.ts";
import type { LeaseBook } from "../../proxy/credentials/leases/lease-book.ts";
import type { Rhythm } from "../../proxy/credentials/rhythm.ts";
import { Secret } from "../../common/secret.ts";
import { SourceError, type Lease, type Material, type SecretSource, type SourceFault } from "../../proxy/credentials/secret-source.ts";
import { StoreBreaker } from "../../proxy/credentials/leases/store-breaker.ts";
import { credentialSettings } from "./credentials.ts";
import { TestClock } from "./test-clock.ts";

export const NEVER = new AbortController().signal;

/** Lets everything that is ready happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Time that passes when the test says so: whoever waits is woken when its moment has come. */
export class TestRhythm implements Rhythm {
  readonly clock = new TestClock();
  readonly pauses: number[] = [];
  readonly random = (): number => 0.5;
  readonly #sleeping = new Set<{ readonly atMs: number; wake(): void }>();

  pause = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.pauses.push(ms);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { atMs: this.clock.monotonicMs() + ms, wake: resolve };
    this.#sleeping.add(sleeper);
    signal.addEventListener("abort", () => { reject(signal.reason as Error); }, { once: true });
    if (signal.aborted) reject(signal.reason as Error);
    await promise.finally(() => this.#sleeping.delete(sleeper));
  };

  async pass(ms: number): Promise<void> {
    await settled();
    const endMs = this.clock.monotonicMs() + ms;
    for (;;) {
      const next = [...this.#sleeping].filter(({ atMs }) => atMs <= endMs).toSorted((one, other) => one.atMs - other.atMs)[0];
      if (next === undefined) break;
      this.clock.advance(Math.max(0, next.atMs - this.clock.monotonicMs()));
      this.#sleeping.delete(next);
      next.wake();
      await settled();
    }
    this.clock.advance(endMs - this.clock.monotonicMs());
    await settled();
  }
}

/** A store that leases: it knows who has what, and may be broken. */
export class LeasingStore implements SecretSource {
  readonly describe = "store:role";
  readonly scope: "shared" | "instance";
  readonly out = new Set<string>();
  readonly renewed: string[] = [];
  fetches = 0;
  lifetimeMs = 60_000;
  /** What a renewal gives. */
  renewalMs = 60_000;
  fetchFault: SourceFault | null = null;
  renewFault: SourceFault | null = null;
  revokeFault: SourceFault | null = null;
  /** Awaited before a fetch answers. */
  gate: Promise<void> = Promise.resolve();

  constructor(scope: "shared" | "instance" = "instance") {
    this.scope = scope;
  }

  async fetch(): Promise<Material> {
    this.fetches += 1;
    const id = `lease-${this.fetches}`;
    await this.gate;
    if (this.fetchFault !== null) throw new SourceError(this.fetchFault, "scripted");
    this.out.add(id);
    return { values: { value: new Secret(`secret of ${id}`) }, version: id, lifetimeMs: this.lifetimeMs, lease: this.#leaseOf(id) };
  }

  isCurrent(): boolean {
    return true;
  }

  #leaseOf(id: string): Lease {
    return {
      id, isRenewable: true, reclaim: { kind: "vault-lease", id },
      renew: async () => {
        if (this.renewFault !== null) throw new SourceError(this.renewFault, "scripted");
        this.renewed.push(id);
        return this.renewalMs;
      },
      revoke: async () => {
        if (this.revokeFault !== null) throw new SourceError(this.revokeFault, "scripted");
        this.out.delete(id);
      },
    };
  }
}

export interface LeaseStand {
  readonly rhythm: TestRhythm;
  readonly events: CredentialEvent[];
  readonly desk: LeaseDesk;
  /** All that a cached secret of this source is made of. */
  parts(source: SecretSource, over?: Readonly<Record<string, unknown>>): Omit<SecretParts, "owner">;
}

export function leaseStand(book: LeaseBook | null = null): LeaseStand {
  const rhythm = new TestRhythm();
  const events: CredentialEvent[] = [];
  const desk = new LeaseDesk({ rhythm, book, onEvent: (event) => { events.push(event); } });
  return {
    rhythm, events, desk,
    parts: (source, over = {}) => {
      const limits = credentialSettings(over);
      return { source, limits, rhythm, desk, breaker: new StoreBreaker("store", { limits, rhythm, onChange: () => {} }) };
    },
  };
}

export const ownerOf = (secret: CachedSecret): string => secret.owner.instance;
