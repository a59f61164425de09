import type { Secret } from "../../common/secret.ts";
import type { Borrower } from "../model/agent.ts";

/** Why a secret could not be had, as log and audit name it. Never shown to an agent: it would tell which secrets exist. */
const SOURCE_FAULTS = {
  missing: { isPassing: false },
  forbidden: { isPassing: false },
  malformed: { isPassing: false },
  unsafe: { isPassing: false },
  redirected: { isPassing: false },
  untrusted: { isPassing: false },
  oversized: { isPassing: false },
  sealed: { isPassing: true },
  "rate-limited": { isPassing: true },
  unreachable: { isPassing: true },
  down: { isPassing: true },
  slow: { isPassing: true },
  resting: { isPassing: false },
  revoked: { isPassing: false },
} as const satisfies Record<string, { /** May be gone a moment later: worth another try. */ readonly isPassing: boolean }>;
export type SourceFault = keyof typeof SOURCE_FAULTS;

/** The one error of a source. Its message is our own text: never a secret, a token, or words of the other side. It has no cause for the same reason. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly fault: SourceFault;
  /** How long the other side asks to be left alone (Retry-After, RFC 9110 §10.2.3), in milliseconds; 0 if it does not say. */
  readonly retryAfterMs: number;

  constructor(fault: SourceFault, message: string, retryAfterMs = 0) {
    super(`${fault}: ${message}`);
    this.fault = fault;
    this.retryAfterMs = retryAfterMs;
  }

  get isPassing(): boolean {
    return SOURCE_FAULTS[this.fault].isPassing;
  }
}

/** Names of the values that stores give and injectors use. A store of one value calls it `value`. */
export const VALUE_NAMES = ["value", "username", "password", "accessKeyId", "secretAccessKey", "sessionToken", "certificate", "privateKey"] as const;
export type ValueName = (typeof VALUE_NAMES)[number];

/** How another process can take back what this one got, if it ends without doing so. It opens nothing. */
export interface Reclaim {
  /** `vault-accessor`: a token's; all leases that were got with the token go with it. */
  readonly kind: "vault-lease" | "vault-accessor";
  readonly id: string;
}

/** The right to a secret for a time, as the store knows it. Both calls throw SourceError and nothing else. */
export interface Lease {
  /** For log and audit: the store's name of it, which opens nothing. */
  readonly id: string;
  readonly isRenewable: boolean;
  /** @returns how long the secret may be used from now, in milliseconds */
  renew(signal: AbortSignal): Promise<number>;
  /** Resolves when the store has taken the secret back, or no longer knows the lease. */
  revoke(signal: AbortSignal): Promise<void>;
  /** Written to disk before the secret is used; left out where taking back needs a secret itself. */
  readonly reclaim?: Reclaim;
}

/** What a source gave for one grant. */
export interface Material {
  readonly values: Readonly<Partial<Record<ValueName, Secret>>>;
  /** Changes when a value does; printable, at most 64 characters, tells nothing of the values. */
  readonly version: string;
  /** How long it may be used from the moment that it was asked for, in milliseconds; null: as long as `cacheTtlMs` says. */
  readonly lifetimeMs: number | null;
  /** Null for what is not taken back. */
  readonly lease: Lease | null;
}

/** Material of one value that nobody takes back. */
export function singleValue(secret: Secret, version: string): Material {
  return { values: { value: secret }, version, lifetimeMs: null, lease: null };
}

/** @throws SourceError `malformed` if the source gave no such value */
export function valueOf(material: Material, name: ValueName): Secret {
  const value = material.values[name];
  if (value === undefined) throw new SourceError("malformed", `the source gives no ${name}`);
  return value;
}

/** Where one grant's secret lives. */
export interface SecretSource {
  /** For log and audit: the place, never the value. */
  readonly describe: string;
  /** `instance`: fetched for each instance, never shared, and taken back when the instance ends. */
  readonly scope: "shared" | "instance";
  /**
   * Ends soon after the signal aborts; but where it makes a lease, it goes on to its own deadline, so that what it made can be given back.
   * @param borrower who it is for; of no concern where the scope is `shared`
   * @throws SourceError and nothing else; keeps nothing of what it returns
   */
  fetch(signal: AbortSignal, borrower: Borrower): Promise<Material>;
  /** Whether material fetched earlier may be used within its time to live. Cheap (no network), must not throw. */
  isCurrent(version: string): boolean;
}
