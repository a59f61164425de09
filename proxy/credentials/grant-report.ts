import { systemClock } from "../../common/clock.ts";
import type { Borrower } from "../model/agent.ts";
import { misdirection } from "./binding.ts";
import type { Grant } from "./config.ts";
import { fetchMaterial, requireInjectable } from "./grant-set.ts";
import type { LenderConfig } from "./lender.ts";
import type { Material } from "./secret-source.ts";
import { SourceOpener, type Sources } from "./source-opener.ts";

/** What a grant says; nothing of its secret. */
export interface GrantSummary {
  readonly grant: string;
  readonly type: string;
  /** Where the secret is, as the audit log names it. */
  readonly place: string;
  /** `instance`: fetched for each instance, and taken back when it ends. */
  readonly scope: "shared" | "instance";
  readonly inject: string;
  readonly hosts: readonly string[];
  readonly ports: readonly number[];
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  /** Variables of the agent's environment that hold a dummy. */
  readonly env: readonly string[];
}

/** What came of fetching it; never a value. */
export interface GrantReport extends GrantSummary {
  readonly isUsable: boolean;
  /** Why not, in our words; null if it is. */
  readonly problem: string | null;
  readonly version: string | null;
  /** The store's name of the lease; null for what is not leased. */
  readonly lease: string | null;
  readonly isRenewable: boolean;
  /** Wall clock, ISO 8601; null if it does not expire. */
  readonly expiresAt: string | null;
}

/** A request that somebody wants to send with the credential. */
export interface WantedRequest {
  readonly method: string;
  readonly url: URL;
}

/** For whom, and for which request that the binding must allow; null for none. */
export interface CheckWish {
  readonly borrower: Borrower;
  readonly wanted: WantedRequest | null;
}

/** The configured grants. @throws UserError if one cannot be opened; nothing is fetched */
export async function listGrants(config: LenderConfig, sources: Sources): Promise<GrantSummary[]> {
  const opener = new SourceOpener(config.credentials, sources, systemClock);
  try {
    return Object.entries(config.grants).map(([name, grant]) => summaryOf(name, grant, opener));
  } finally {
    await opener.close();
  }
}

/**
 * Fetches the secret of a grant for the borrower, and makes of it what would be put into a request; then gives back what was leased for it.
 * @throws UserError if the grant cannot be opened
 */
export async function checkGrant(name: string, config: LenderConfig, sources: Sources, { borrower, wanted }: CheckWish): Promise<GrantReport> {
  const grant = config.grants[name];
  if (grant === undefined) throw new Error(`grant ${name} is not configured`);
  const opener = new SourceOpener(config.credentials, sources, systemClock);
  const open = opener.open(name, grant);
  const summary = summaryOf(name, grant, opener);
  try {
    const problem = wanted === null ? null : misdirection(grant.bind, headOf(wanted));
    if (problem !== null) return { ...summary, ...NOTHING, problem };
    const material = await fetchMaterial(open, open.cache.of(borrower.agent), AbortSignal.timeout(config.credentials.fetchTimeoutMs * 2), borrower);
    requireInjectable(open, material);
    return { ...summary, ...factsOf(material), isUsable: true, problem: null };
  } catch (error) {
    return { ...summary, ...NOTHING, problem: (error as Error).message };
  } finally {
    await opener.inTime(async () => open.cache.drop(() => true, "it was only checked").done);
    await opener.tokens.end(borrower.agent.instance, "it was only checked");
    await opener.close();
  }
}

const NOTHING = { isUsable: false, version: null, lease: null, isRenewable: false, expiresAt: null } as const;

function factsOf({ version, lease, lifetimeMs }: Material): Pick<GrantReport, "version" | "lease" | "isRenewable" | "expiresAt"> {
  const expiresAt = lifetimeMs === null ? null : new Date(Date.now() + lifetimeMs).toISOString();
  return { version, lease: lease?.id ?? null, isRenewable: lease?.isRenewable ?? false, expiresAt };
}

function summaryOf(name: string, grant: Grant, opener: SourceOpener): GrantSummary {
  const { source } = opener.open(name, grant);
  const { hosts, ports, methods, paths } = grant.bind;
  return { grant: name, type: grant.credential.type, place: source.describe, scope: source.scope, inject: grant.inject.type, hosts, ports, methods, paths, env: Object.keys(grant.env) };
}

function headOf({ method, url }: WantedRequest): Parameters<typeof misdirection>[1] {
  const scheme = url.protocol === "https:" ? "https" : "http";
  return {
    httpVersion: "1.1", method, scheme, host: url.hostname, port: url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port), path: url.pathname,
    segments: url.pathname.slice(1).split("/"), query: null, headers: [], framing: { kind: "none" }, expectsContinue: false, upgrade: null,
  };
}
