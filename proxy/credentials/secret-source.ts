import type { Secret } from "../../common/secret.ts";

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
} as const satisfies Record<string, { /** May be gone a moment later: worth another try. */ readonly isPassing: boolean }>;
export type SourceFault = keyof typeof SOURCE_FAULTS;

/** The one error of a source. Its message is our own text: never a secret, a token, or words of the other side. It has no cause for the same reason. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly fault: SourceFault;

  constructor(fault: SourceFault, message: string) {
    super(`${fault}: ${message}`);
    this.fault = fault;
  }

  get isPassing(): boolean {
    return SOURCE_FAULTS[this.fault].isPassing;
  }
}

export interface FetchedSecret {
  readonly secret: Secret;
  /** Changes when the secret does; printable, at most 64 characters, tells nothing of the value. */
  readonly version: string;
}

/** Where one grant's secret lives. */
export interface SecretSource {
  /** For log and audit: the place, never the value. */
  readonly describe: string;
  /** @throws SourceError and nothing else; ends soon after the signal aborts; keeps nothing of what it returns */
  fetch(signal: AbortSignal): Promise<FetchedSecret>;
  /** Whether a secret fetched earlier may be used within its time to live. Cheap (no network), must not throw. */
  isCurrent(version: string): boolean;
}
