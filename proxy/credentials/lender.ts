import { PLATFORM_GRANT } from "../../common/labels.ts";
import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { Borrower } from "../model/agent.ts";
import { firstProblem } from "../model/problem.ts";
import type { RequestHead } from "../model/request.ts";
import { misdirection } from "./binding.ts";
import { boundaryGrant, type CredentialsConfig, type Grant, type Grants } from "./config.ts";
import type { CredentialLender } from "./credential-lender.ts";
import { NO_LOAN, type Loan, type Login, type LoginTarget } from "../model/loan.ts";
import { fetchMaterial, GrantSet, referenceOf, type OpenGrant } from "./grant-set.ts";
import { withInstance } from "./instance-header.ts";
import { lendLogin } from "./lend-login.ts";
import { LiveSecrets } from "./stray/live-secrets.ts";
import { isMeant, type Revocation, type Revoked } from "./leases/revocation.ts";
import type { Material } from "./secret-source.ts";
import { SourceOpener, type Sources } from "./source-opener.ts";
import { StrayKeys } from "./stray/stray-keys.ts";

export interface LenderConfig {
  readonly grants: Grants;
  readonly credentials: CredentialsConfig;
}

/** Combinations of grants that are remembered; a policy uses few, and one that is not remembered is only slower. */
const SET_LIMIT = 256;

/** Lends what the configured grants name, and those of the boundary. Nothing is fetched before the request is inside the binding of every grant. */
export class Lender implements CredentialLender {
  readonly #opener: SourceOpener;
  readonly #configured: ReadonlyMap<string, OpenGrant>;
  readonly #sets = new Map<string, GrantSet>();
  readonly #live = new LiveSecrets();
  #grants: ReadonlyMap<string, OpenGrant>;
  #stray: StrayKeys;

  /** @throws UserError if a configured grant cannot be opened */
  constructor(grants: Grants, opener: SourceOpener) {
    this.#opener = opener;
    this.#configured = new Map(Object.entries(grants).map(([name, grant]) => [name, opener.open(name, grant)]));
    this.#grants = this.#configured;
    this.#stray = new StrayKeys([...this.#grants.values()], this.#live);
  }

  async lend(grants: readonly string[], borrower: Borrower, head: RequestHead, signal: AbortSignal): Promise<Loan> {
    if (grants.length === 0) return NO_LOAN;
    const wanted = this.#setOf(grants);
    for (const { name, grant } of wanted.grants) checkBinding(name, grant, head);
    const loan = wanted.loanInHand(signal, borrower.agent.instance) ?? await wanted.fetchLoan(signal, borrower);
    this.#live.note(loan, wanted.grants);
    return wanted.grants.some(({ grant }) => grant.credential.type === "identity") ? withInstance(loan, borrower.agent) : loan;
  }

  /**
   * Gets ready to take the boundary's grants in place of the ones before; those of the configuration stay. A secret that is cached stays so if
   * its grant is the same.
   * @returns what is wrong with those that are left out (a request that would be lent one is refused), and the step that puts the others in force
   */
  prepare(grants: Readonly<Record<string, unknown>>): { readonly problems: readonly string[]; readonly apply: () => void } {
    const problems: string[] = [];
    const opened = new Map<string, OpenGrant>(this.#configured);
    for (const [name, value] of Object.entries(grants)) {
      try {
        if (this.#configured.has(name)) throw new Error("the proxy's own configuration has one of that name");
        opened.set(name, this.#reopen(name, value));
      } catch (error) {
        problems.push(`grant ${name}: ${(error as Error).message}`);
      }
    }
    return {
      problems,
      apply: () => {
        const before = this.#grants;
        this.#grants = opened;
        this.#stray = new StrayKeys([...opened.values()], this.#live);
        this.#sets.clear();
        for (const [name, { cache }] of before) {
          if (opened.get(name)?.cache !== cache) void cache.drop(() => true, "the grant is gone").done;
        }
      },
    };
  }

  async lendLogin(grants: readonly string[], borrower: Borrower, target: LoginTarget, signal: AbortSignal): Promise<Login> {
    const named = grants.map((name) => [name, this.#find(name).grant] as const);
    return lendLogin(named, target, async (name) => {
      const borrowed = await this.materialOf(name, borrower, signal);
      const secret = this.#find(name).cache.of(borrower.agent);
      return { ...borrowed, isHeld: () => secret.isHeld(borrowed.material) };
    });
  }

  refuseStray(head: RequestHead, lent: readonly string[], held: readonly string[] | null): void {
    this.#stray.refuse(head, { lent, held });
  }

  /**
   * What the grant's source gives this borrower now, cached like what is lent; the binding is the caller's to check.
   * @returns with it the reference for the record: `grant@source#version`
   * @throws EgressError `credential.unavailable`, or the signal's reason
   */
  async materialOf(name: string, borrower: Borrower, signal: AbortSignal): Promise<{ readonly material: Material; readonly reference: string }> {
    const open = this.#find(name);
    const material = await fetchMaterial(open, open.cache.of(borrower.agent), signal, borrower);
    return { material, reference: referenceOf(open, material) };
  }

  async endInstance(instance: string): Promise<void> {
    this.#opener.barInstance(instance);
    await this.revoke({ instance }, "the instance has ended");
  }

  /**
   * Forgets at once what is meant, and gives back what is leased of it; what is needed again is fetched anew.
   * @param why for the record
   * @returns when the stores have confirmed it, or `revokeTimeoutMs` is over; what is left is tried again in the background
   */
  async revoke(what: Revocation, why: string): Promise<Revoked> {
    const dropped = [...this.#grants.values()].map(({ name, cache }) => cache.drop((secret) => isMeant(what, name, secret.owner), why));
    for (const set of this.#sets.values()) set.forget(what.instance);
    const instances = what.grant !== undefined || what.thread !== undefined ? [] : what.instance === undefined ? this.#opener.tokens.instances : [what.instance];
    const work = Promise.all(dropped.map(({ done }) => done));
    const isConfirmed = await this.#opener.inTime(async () => {
      await this.#opener.inTime(async () => work, 1 / 2);
      await Promise.all([work, ...instances.map(async (instance) => this.#opener.tokens.end(instance, why))]);
    });
    return { dropped: dropped.reduce((sum, { count }) => sum + count, 0), isConfirmed };
  }

  /** How leases and stores stand, for metrics. */
  get standing(): { readonly leases: number; readonly restingStores: readonly string[] } {
    const open = [...this.#grants.values()].filter(({ breaker }) => breaker.isOpen);
    return { leases: this.#opener.desk.out, restingStores: [...new Set(open.map(({ breaker }) => breaker.store))] };
  }

  /** Takes back what processes that are gone had leased. Resolves when nothing is left of it, or the signal aborts. */
  async reclaimOrphans(signal: AbortSignal): Promise<void> {
    await this.#opener.reclaimOrphans(signal);
  }

  /** Gives back all that is leased, as far as the stores confirm it in time, and ends connections to them. */
  async close(): Promise<void> {
    await this.revoke({}, "the proxy stops");
    await this.#opener.close();
  }

  #reopen(name: string, value: unknown): OpenGrant {
    const read = boundaryGrant.safeParse(value);
    if (!read.success) throw new Error(firstProblem(read.error));
    if ((read.data.credential.type === "identity") !== (name === PLATFORM_GRANT)) throw new Error(`${PLATFORM_GRANT}, and no other, is the grant of type identity`);
    const before = this.#grants.get(name);
    const isSame = before !== undefined && JSON.stringify(before.grant) === JSON.stringify(read.data);
    return isSame ? before : this.#opener.open(name, read.data);
  }

  #setOf(names: readonly string[]): GrantSet {
    const key = names.length === 1 ? names[0] ?? "" : JSON.stringify(names);
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = new GrantSet([...new Set(names)].map((name) => this.#find(name)));
      if (this.#sets.size < SET_LIMIT) this.#sets.set(key, set);
    }
    return set;
  }

  #find(name: string): OpenGrant {
    const open = this.#grants.get(name);
    if (open === undefined) throw new EgressError("credential.unavailable", `grant ${name} is not configured`);
    return open;
  }
}

/**
 * Opens the lender of a configuration. No secret is read yet.
 * @throws UserError if a grant needs a store that is not configured, or the store's CA file cannot be read
 */
export function openLender(config: LenderConfig, sources: Sources, clock: Clock): Lender {
  return new Lender(config.grants, new SourceOpener(config.credentials, sources, clock));
}

function checkBinding(name: string, grant: Grant, head: RequestHead): void {
  const problem = misdirection(grant.bind, head);
  if (problem === null) return;
  throw new EgressError("credential.misdirected", `grant ${name}: ${problem}`, {
    explanation: { rule: `grant.${name}`, reason: problem, hint: `Send the request to a destination of grant ${name}, or ask for a policy without it here.` },
  });
}
