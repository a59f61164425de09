import { randomBytes } from "node:crypto";
import * as z from "zod";
import type { Clock } from "../../../common/clock.ts";
import { SourceError } from "../secret-source.ts";

/** An address that secrets are sent to: https and nothing beside host, port and path, so that it reads as what it is. */
export const endpoint = z.url({ protocol: /^https$/ }).max(1_024).refine((text) => {
  const url = URL.parse(text);
  return url !== null && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}, "must be https://HOST[:PORT]/PATH and nothing more");

/** What all sources share that ask an endpoint for a token. */
export const endpointFields = {
  caFile: z.string().min(1).optional().describe("PEM file of the only CAs trusted for the endpoint; without it those of all destinations are."),
  timeoutMs: z.number().int().min(100).max(60_000).default(4_000).describe("Time for one request to the endpoint, in milliseconds; `credentials.fetchTimeoutMs` is above it."),
};

/** A token is not used in its last minutes: it must not end between our clock and theirs, or on its way. */
export const EARLY_END_MS = 5 * 60_000;
/** Nobody says for how long: an hour is what most give, and no longer is believed of any. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * How long a token may be used.
 * @param endsAtMs wall-clock milliseconds
 * @throws SourceError `malformed` if it is over, or over too soon to be of use
 */
export function lifetimeUntil(endsAtMs: number, clock: Clock): number {
  const leftMs = endsAtMs - clock.nowMs();
  // Of a short token the last tenth is left unused instead.
  const usableMs = Math.min(LONGEST_MS, leftMs > 2 * EARLY_END_MS ? leftMs - EARLY_END_MS : leftMs * 0.9);
  if (!(usableMs > 1_000)) throw new SourceError("malformed", "the token has no time left");
  return Math.floor(usableMs);
}

const OWN_PART = 12;

/** The version of a token: its own part, and that of the key it was got with, so that a changed key is noticed. */
export function mintedVersion(keyVersion: string): string {
  return `${randomBytes(OWN_PART / 2).toString("hex")}-${keyVersion}`.slice(0, 64);
}

/** The version of the key in the version of a token. */
export function keyVersionOf(version: string): string {
  return version.slice(OWN_PART + 1);
}
