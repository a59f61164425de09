import type { AgentIdentity } from "../model/agent.ts";
import { CachedSecret, type SecretParts } from "./cached-secret.ts";
import type { LeaseOwner } from "./leases/lease-desk.ts";

/** Instances for which one grant may hold something at a time. The one that was not asked for the longest gives way: its lease is given back. */
const INSTANCE_LIMIT = 4_096;

/** What is in hand of one grant: one secret for all, or one for each instance where the source makes them so. */
export class SecretCache {
  readonly #parts: Omit<SecretParts, "owner">;
  readonly #grant: string;
  /** By instance, or under the empty name for all; who was asked for last is last. */
  readonly #secrets = new Map<string, CachedSecret>();

  constructor(grant: string, parts: Omit<SecretParts, "owner">) {
    this.#parts = parts;
    this.#grant = grant;
  }

  get isPerInstance(): boolean {
    return this.#parts.source.scope === "instance";
  }

  /** The secret for this borrower; nothing is fetched by asking for it. */
  of({ instance, thread }: Pick<AgentIdentity, "instance" | "thread">): CachedSecret {
    const key = this.isPerInstance ? instance : "";
    const secret = this.#secrets.get(key) ?? this.#make(this.isPerInstance ? { instance, thread } : { instance: "", thread: "" });
    this.#secrets.delete(key);
    this.#secrets.set(key, secret);
    return secret;
  }

  /**
   * Forgets the secrets of whom this is true, and gives back what is leased.
   * @param why for the record
   * @returns how many were in hand; the promise never rejects, and resolves when the store has confirmed all
   */
  drop(isMeant: (secret: CachedSecret) => boolean, why: string): { readonly count: number; readonly done: Promise<void> } {
    const meant = [...this.#secrets.entries()].filter(([, secret]) => isMeant(secret));
    for (const [key] of meant) this.#secrets.delete(key);
    const held = meant.filter(([, secret]) => !secret.isIdle);
    return { count: held.length, done: Promise.all(meant.map(async ([, secret]) => secret.drop(why))).then(() => undefined) };
  }

  #make(who: Pick<LeaseOwner, "instance" | "thread">): CachedSecret {
    const [oldest] = this.#secrets;
    if (oldest !== undefined && this.#secrets.size >= INSTANCE_LIMIT) {
      this.#secrets.delete(oldest[0]);
      void oldest[1].drop("other instances need its place");
    }
    return new CachedSecret({ ...this.#parts, owner: { grant: this.#grant, place: this.#parts.source.describe, ...who } });
  }
}
