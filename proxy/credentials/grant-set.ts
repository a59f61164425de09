import { EgressError } from "../errors.ts";
import type { CachedSecret } from "./cached-secret.ts";
import type { SecretCache } from "./secret-cache.ts";
import type { Borrower } from "../model/agent.ts";
import type { Grant } from "./config.ts";
import type { Loan } from "../model/loan.ts";
import { dummiesOf } from "./dummies.ts";
import type { Injection } from "./injection.ts";
import { makeInjection } from "./injectors.ts";
import { requireSearchable } from "./searchable.ts";
import { mergeInjections } from "./merge-injections.ts";
import { SourceError, type Material, type SecretSource } from "./secret-source.ts";
import type { Breaker } from "./leases/store-breaker.ts";

/** Instances for which the last loan of grants that are made for each is remembered; another is only slower. */
const REMEMBERED_LIMIT = 1_024;

/** One configured grant, ready to be lent. */
export interface OpenGrant {
  readonly name: string;
  readonly grant: Grant;
  readonly source: SecretSource;
  readonly cache: SecretCache;
  readonly breaker: Breaker;
}

/** A loan, and what it was made of. */
interface Made {
  readonly secrets: readonly CachedSecret[];
  readonly fetched: readonly Material[];
  readonly loan: Loan;
}

/**
 * Grants that are lent together. The loan is made once for the secrets that it is made of: as long as they are current, all exchanges share it; of
 * one instance, if one of the secrets is made for each.
 */
export class GrantSet {
  readonly grants: readonly OpenGrant[];
  readonly #isPerInstance: boolean;
  #shared: Made | null = null;
  readonly #made = new Map<string, Made>();

  /** @param grants no two of the same name */
  constructor(grants: readonly OpenGrant[]) {
    this.grants = grants;
    this.#isPerInstance = grants.some(({ cache }) => cache.isPerInstance);
  }

  /** The last loan if every secret in it may still be used; null if something has to be fetched. @throws the signal's reason */
  loanInHand(signal: AbortSignal, instance: string): Loan | null {
    signal.throwIfAborted();
    const made = this.#isPerInstance ? this.#made.get(instance) : this.#shared;
    if (made === undefined || made === null) return null;
    if (made.secrets.every((secret, index) => secret.inHand() === made.fetched[index])) return made.loan;
    this.forget(instance);
    return null;
  }

  /** @throws EgressError `credential.unavailable`, or the signal's reason */
  async fetchLoan(signal: AbortSignal, borrower: Borrower): Promise<Loan> {
    const secrets = this.grants.map(({ cache }) => cache.of(borrower.agent));
    const fetched = await Promise.all(this.grants.map(async (open, index) => fetchMaterial(open, secrets[index] as CachedSecret, signal, borrower)));
    const loan = makeLoan(this.grants, fetched);
    const made = { secrets, fetched, loan };
    if (this.#isPerInstance) this.#remember(borrower.agent.instance, made);
    else this.#shared = made;
    return loan;
  }

  #remember(instance: string, made: Made): void {
    const [oldest] = this.#made.keys();
    if (oldest !== undefined && this.#made.size >= REMEMBERED_LIMIT) this.#made.delete(oldest);
    this.#made.set(instance, made);
  }

  /** Remembers no loan of the instance, or of any if none is named, nor one that all share. */
  forget(instance: string | undefined): void {
    this.#shared = null;
    if (instance === undefined) this.#made.clear();
    else this.#made.delete(instance);
  }
}

/** @throws EgressError `credential.unavailable`, or the signal's reason */
export async function fetchMaterial(open: OpenGrant, secret: CachedSecret, signal: AbortSignal, borrower: Borrower): Promise<Material> {
  try {
    return await secret.get(signal, borrower);
  } catch (error) {
    throw unavailable(open, error);
  }
}

/** For the record: `grant@source#version`. */
export function referenceOf({ name, source }: OpenGrant, { version }: Material): string {
  return `${name}@${source.describe}#${version}`;
}

function makeLoan(grants: readonly OpenGrant[], fetched: readonly Material[]): Loan {
  const injections = grants.map((open, index) => inject(open, fetched[index] as Material));
  return {
    ...mergeInjections(grants.map(({ name }) => name), injections),
    references: grants.map((open, index) => referenceOf(open, fetched[index] as Material)),
  };
}

/** @throws EgressError `credential.unavailable` if the material is not what the grant's way of injection needs */
export function requireInjectable(open: OpenGrant, material: Material): void {
  inject(open, material);
}

function inject(open: OpenGrant, material: Material): Injection {
  try {
    const injection = makeInjection(open.grant.inject, material, { dummies: dummiesOf(open.name, open.grant), nowMs: Date.now });
    requireSearchable(injection);
    return injection;
  } catch (error) {
    throw unavailable(open, error);
  }
}

/** The same for every fault: an agent must not learn from the answer which secrets exist. The cause is for log and audit. */
function unavailable({ name, source }: OpenGrant, error: unknown): unknown {
  if (!(error instanceof SourceError)) return error;
  return new EgressError("credential.unavailable", `grant ${name}, ${source.describe}: ${error.message}`, { cause: error });
}
