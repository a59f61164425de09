import { readFile } from "node:fs/promises";
import { createLocalJWKSet, type CryptoKey, type FlattenedJWSInput, type JWTHeaderParameters } from "jose";
import * as z from "zod";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";

const KEYS_LIMIT_BYTES = 256 * 1_024;
const FETCH_TIMEOUT_MS = 5_000;
const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.enum(["EC", "RSA", "OKP"]) })).max(64) });
export type Jwks = z.output<typeof jwks>;

type KeyOf = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

export interface KeySetTimes {
  readonly refreshMs: number;
  readonly cooldownMs: number;
}

/**
 * An issuer's public keys, read when needed: at their first use, when they are old, and when a token names a key that is not among them,
 * but never more often than the cool-down allows, however many unknown key ids arrive. Readers share one read.
 */
export class KeySet {
  readonly #load: () => Promise<unknown>;
  readonly #times: KeySetTimes;
  readonly #clock: Clock;
  #keyOf: KeyOf | undefined;
  #triedMs = Number.NEGATIVE_INFINITY;
  #loadedMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor(load: () => Promise<unknown>, times: KeySetTimes, clock: Clock) {
    this.#load = load;
    this.#times = times;
    this.#clock = clock;
  }

  /** For `jwtVerify`. @throws EgressError `identity.unavailable` if there are no keys at all, `identity.rejected` for an unknown key */
  readonly find = async (header: JWTHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    if (this.#clock.monotonicMs() - this.#loadedMs >= this.#times.refreshMs) await this.#refresh();
    try {
      return await this.#current()(header, token);
    } catch (error) {
      if ((error as { code?: string }).code !== "ERR_JWKS_NO_MATCHING_KEY") throw error;
      await this.#refresh();
      return await this.#current()(header, token);
    }
  };

  #current(): KeyOf {
    if (this.#keyOf === undefined) throw new EgressError("identity.unavailable", "the issuer's keys could not be read");
    return this.#keyOf;
  }

  async #refresh(): Promise<void> {
    if (this.#loading === undefined && this.#clock.monotonicMs() - this.#triedMs < this.#times.cooldownMs) return;
    this.#loading ??= this.#read().finally(() => { this.#loading = undefined; });
    await this.#loading;
  }

  async #read(): Promise<void> {
    this.#triedMs = this.#clock.monotonicMs();
    try {
      this.#keyOf = createLocalJWKSet(jwks.parse(await this.#load()));
      this.#loadedMs = this.#triedMs;
    } catch (error) {
      // Old keys serve one refresh time longer; then a token that cannot be checked is not accepted.
      if (this.#triedMs - this.#loadedMs >= 2 * this.#times.refreshMs) this.#keyOf = undefined;
      if (this.#keyOf === undefined) throw new EgressError("identity.unavailable", "the issuer's keys could not be read", { cause: error });
    }
  }
}

/** @throws if the file cannot be read, is too large or is not JSON */
export async function readKeysFile(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8");
  if (text.length > KEYS_LIMIT_BYTES) throw new Error(`${path} is larger than ${KEYS_LIMIT_BYTES} bytes`);
  return JSON.parse(text) as unknown;
}

/** @throws for anything but a 200 answer with JSON of acceptable size within the deadline; redirects included */
export async function fetchKeys(url: string): Promise<unknown> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), headers: { accept: "application/json" } });
  if (response.status !== 200 || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > KEYS_LIMIT_BYTES) throw new Error(`${url} answered more than ${KEYS_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
}
