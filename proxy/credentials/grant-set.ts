import { EgressError } from "../errors.ts";
import { AUTH_HEADERS } from "./auth-headers.ts";
import type { CachedSecret } from "./cached-secret.ts";
import type { Grant } from "./config.ts";
import type { Loan } from "./credential-lender.ts";
import { formatHeader } from "./header-injection.ts";
import { SourceError, type FetchedSecret, type SecretSource } from "./secret-source.ts";

/** One configured grant, ready to be lent. */
export interface OpenGrant {
  readonly name: string;
  readonly grant: Grant;
  readonly source: SecretSource;
  readonly cached: CachedSecret;
}

/** Grants that are lent together. The loan is made once for the secrets that it is made of: as long as they are current, all exchanges share it. */
export class GrantSet {
  readonly grants: readonly OpenGrant[];
  #last: { readonly fetched: readonly FetchedSecret[]; readonly loan: Loan } | null = null;

  /** @param grants no two of the same name */
  constructor(grants: readonly OpenGrant[]) {
    this.grants = grants;
  }

  /** The last loan if every secret in it may still be used; null if something has to be fetched. @throws the signal's reason */
  loanInHand(signal: AbortSignal): Loan | null {
    signal.throwIfAborted();
    const last = this.#last;
    if (last === null) return null;
    if (this.grants.every(({ cached }, index) => cached.inHand() === last.fetched[index])) return last.loan;
    this.#last = null;
    return null;
  }

  /** @throws EgressError `credential.unavailable`, or the signal's reason */
  async fetchLoan(signal: AbortSignal): Promise<Loan> {
    requireDistinctFields(this.grants);
    const fetched = await Promise.all(this.grants.map(async (open) => fetchSecret(open, signal)));
    const loan = makeLoan(this.grants, fetched);
    this.#last = { fetched, loan };
    return loan;
  }
}

/** Two credentials in one field: one of them would silently not be sent. */
function requireDistinctFields(grants: readonly OpenGrant[]): void {
  const owners = new Map<string, string>();
  for (const { name, grant } of grants) {
    const owner = owners.get(grant.inject.header);
    if (owner !== undefined) throw new EgressError("credential.unavailable", `grants ${owner} and ${name} both set ${grant.inject.header}`);
    owners.set(grant.inject.header, name);
  }
}

async function fetchSecret(open: OpenGrant, signal: AbortSignal): Promise<FetchedSecret> {
  try {
    return await open.cached.get(signal);
  } catch (error) {
    throw unavailable(open, error);
  }
}

function makeLoan(grants: readonly OpenGrant[], fetched: readonly FetchedSecret[]): Loan {
  const lent = grants.map((open, index) => {
    const { secret, version } = fetched[index] as FetchedSecret;
    try {
      return { ...formatHeader(open.grant.inject, secret), reference: [open.name, "@", open.source.describe, "#", version].join("") };
    } catch (error) {
      throw unavailable(open, error);
    }
  });
  const headers = lent.map(({ header }) => header);
  return {
    headers, strip: [...new Set([...AUTH_HEADERS, ...headers.map(([name]) => name)])],
    references: lent.map(({ reference }) => reference), secrets: lent.flatMap(({ secrets }) => secrets),
  };
}

/** The same for every fault: an agent must not learn from the answer which secrets exist. The cause is for log and audit. */
function unavailable({ name, source }: OpenGrant, error: unknown): unknown {
  if (!(error instanceof SourceError)) return error;
  return new EgressError("credential.unavailable", `grant ${name}, ${source.describe}: ${error.message}`, { cause: error });
}
