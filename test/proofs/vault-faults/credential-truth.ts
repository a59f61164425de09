import { setTimeout as pause } from "node:timers/promises";
import { CACHE_TTL_MS, KV_HOST } from "../../support/fault-stage.ts";
import type { LeaseLab } from "../../support/lease-lab.ts";
import { basicUser, type ShownCredential } from "../../support/leased-upstream.ts";

/** Between two looks at the users of the database. */
const LOOK_MS = 30;
/** A request may be on its way for so long, and what this proof sees of the world is so old. */
const SLACK_MS = 500;

/** Until when each credential is valid, as the store and the database say, not the proxy. By the monotonic clock. */
export class CredentialTruth {
  readonly #values = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #leaseMs: number;
  #version = 0;

  /** @param leaseMs time of a user's lease: somebody who revokes it behind the proxy's back is noticed at its renewal, not before */
  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Puts another value in the place of the secret; the one before may be in use until the proxy's time to live is over. */
  async rotate(lab: LeaseLab): Promise<void> {
    this.#version += 1;
    const value = `kv-secret-of-version-${this.#version}`;
    this.#values.set(value, Number.POSITIVE_INFINITY);
    await lab.server.call("POST", "secret/data/api", { data: { value } });
    this.#endOthers(value);
  }

  async remove(lab: LeaseLab): Promise<void> {
    await lab.server.call("DELETE", "secret/data/api");
    this.#endOthers("");
  }

  noteRevocation(users: readonly string[]): void {
    for (const user of users) this.#users.set(user, performance.now() + this.#leaseMs);
  }

  /** Looks at the database until the signal aborts: a user that is there is valid. */
  async watch(lab: LeaseLab, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const users = await lab.users();
      for (const user of users) this.#users.set(user, Math.max(this.#users.get(user) ?? 0, performance.now()));
      await pause(LOOK_MS);
    }
  }

  /** What is wrong with a request that the destination saw; null if its credential was valid. */
  judge({ host, authorization, atMs }: ShownCredential): string | null {
    if (authorization === null) return `${host}: no credential`;
    const untilMs = host === KV_HOST ? this.#values.get(authorization.replace(/^Bearer /, "")) : this.#users.get(basicUser(authorization));
    if (untilMs === undefined) return `${host}: a credential that nobody made`;
    return atMs <= untilMs + SLACK_MS ? null : `${host}: a credential that had ended ${Math.round(atMs - untilMs)} ms before`;
  }

  #endOthers(valid: string): void {
    const endMs = performance.now() + CACHE_TTL_MS;
    for (const [value, untilMs] of this.#values) if (value !== valid) this.#values.set(value, Math.min(untilMs, endMs));
  }
}
