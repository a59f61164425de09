import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { silentLog, type Log } from "../../common/log.ts";
import type { CredentialsConfig, Grant } from "./config.ts";
import type { OpenGrant } from "./grant-set.ts";
import { LeaseBook } from "./leases/lease-book.ts";
import { LeaseDesk, type CredentialEvent } from "./leases/lease-desk.ts";
import { reclaimOrphans } from "./leases/orphans.ts";
import type { MintContext } from "./minting/minting.ts";
import { openSource, type SourceContext } from "./providers.ts";
import { rhythmOf, type Rhythm } from "./rhythm.ts";
import { SecretCache } from "./secret-cache.ts";
import type { Reclaim, SourceError } from "./secret-source.ts";
import { GrantBreaker, StoreBreaker, type Breaker } from "./leases/store-breaker.ts";
import { TokenLeases } from "./vault/token-leases.ts";
import { VaultClient } from "./vault/vault-client.ts";
import { isFaultOfVault } from "./vault/vault-session.ts";

/** What a proxy opens its grants with. */
export interface Sources {
  /** The proxy's own, for grants of type `environment`. */
  readonly environment: Environment;
  /** Path of the proxy's own token for the controller; left out outside of a cluster. */
  readonly identityTokenFile?: string | undefined;
  /** For sources that ask servers themselves. */
  readonly mint?: Omit<MintContext, "clock">;
  /** Folder of the lease books; without it nothing is written down. */
  readonly leaseDirectory?: string;
  readonly log?: Log;
  /** For the audit log: what became of leases and stores. Must not throw. */
  readonly onEvent?: (event: CredentialEvent) => void;
}

/** Makes grants ready to be lent. The client of the secret store is made when the first grant asks for it, and shared. */
export class SourceOpener {
  readonly desk: LeaseDesk;
  readonly tokens: TokenLeases;
  readonly rhythm: Rhythm;
  readonly #config: CredentialsConfig;
  readonly #sources: Sources;
  readonly #context: SourceContext;
  readonly #log: Log;
  readonly #onEvent: (event: CredentialEvent) => void;
  readonly #vaultBreaker: StoreBreaker;
  #vault: VaultClient | null = null;

  constructor(config: CredentialsConfig, sources: Sources, clock: Clock) {
    const { environment, identityTokenFile = null, mint, leaseDirectory, log = silentLog, onEvent = () => {} } = sources;
    this.#config = config;
    this.#sources = sources;
    this.#context = { environment, identityTokenFile, vault: () => this.#openVault(), mint: mint === undefined ? undefined : { ...mint, clock } };
    this.#log = log;
    this.#onEvent = onEvent;
    this.rhythm = rhythmOf(clock);
    this.desk = new LeaseDesk({ rhythm: this.rhythm, onEvent, book: leaseDirectory === undefined ? null : new LeaseBook(leaseDirectory, this.#store) });
    this.#vaultBreaker = this.#makeBreaker("vault", isFaultOfVault);
    this.tokens = new TokenLeases(this.desk, () => this.#vault);
  }

  /** Reads no secret yet. @throws UserError if the grant needs what is not configured */
  open(name: string, grant: Grant): OpenGrant {
    const source = openSource(grant.credential, this.#context);
    const breaker = this.#breakerOf(grant, source.describe);
    return { name, grant, source, breaker, cache: new SecretCache(name, { source, limits: this.#config, rhythm: this.rhythm, desk: this.desk, breaker }) };
  }

  /** Takes back what processes that are gone had leased. Resolves when nothing is left of it, or the signal aborts. */
  async reclaimOrphans(signal: AbortSignal): Promise<void> {
    const { leaseDirectory: directory } = this.#sources;
    if (directory === undefined || this.#config.vault === undefined) return;
    const { rhythm } = this;
    await reclaimOrphans({ directory, store: this.#store, rhythm, log: this.#log, onEvent: this.#onEvent, reclaim: async (orphan, until) => this.#reclaim(orphan, until) }, signal);
  }

  /** An instance has ended: nobody logs in for it any more. */
  barInstance(instance: string): void {
    this.#vault?.barInstance(instance);
  }

  /** Does the work, but waits for it no longer than (this part of) `revokeTimeoutMs`. @returns whether it was done by then */
  async inTime(work: () => Promise<unknown>, part = 1): Promise<boolean> {
    const over = new AbortController();
    try {
      return await Promise.race([work().then(() => true), this.rhythm.pause(this.#config.revokeTimeoutMs * part, over.signal).then(() => false, () => false)]);
    } finally {
      over.abort();
    }
  }

  /** Ends connections to secret stores, and what they were logged in with. */
  async close(): Promise<void> {
    const isConfirmed = await this.#vault?.close() ?? true;
    if (isConfirmed) await this.tokens.strikeOwn();
    await this.desk.close();
  }

  get #store(): string {
    const { vault } = this.#config;
    return vault === undefined ? "" : `${new URL(vault.address).origin}/${vault.namespace ?? ""}`;
  }

  async #reclaim({ kind, id }: Reclaim, signal: AbortSignal): Promise<void> {
    const vault = this.#openVault();
    await (kind === "vault-lease" ? vault.revokeLease(id, null, signal) : vault.revokeAccessor(id, signal));
  }

  /** Vault is one store for all: what says that it is down counts for all, what fails at one path for that grant. Of other sources each is a store. */
  #breakerOf({ credential: { type } }: Grant, place: string): Breaker {
    if (!type.startsWith("vault")) return this.#makeBreaker(place);
    return new GrantBreaker(this.#makeBreaker(place, (error) => !isFaultOfVault(error)), this.#vaultBreaker);
  }

  #makeBreaker(store: string, isItsFault?: (error: SourceError) => boolean): StoreBreaker {
    const counts = isItsFault === undefined ? {} : { isItsFault };
    return new StoreBreaker(store, { limits: this.#config, rhythm: this.rhythm, onChange: (isOpen) => { this.#noteStore(store, isOpen); }, ...counts });
  }

  #noteStore(store: string, isOpen: boolean): void {
    const event = isOpen ? "credential.store-failing" : "credential.store-healed";
    if (isOpen) this.#log.warn(event, { store });
    else this.#log.info(event, { store });
    this.#onEvent({ event, outcome: isOpen ? "failed" : "succeeded", fields: { store } });
  }

  #openVault(): VaultClient {
    if (this.#vault !== null) return this.#vault;
    const { vault } = this.#config;
    if (vault === undefined) {
      throw new UserError("a grant takes its secret from Vault, but credentials.vault is missing", "Add credentials.vault with address and tokenFile.", EXIT.config);
    }
    try {
      return this.#vault = new VaultClient(vault, { rhythm: this.rhythm, onLogin: async (accessor, instance, token) => this.tokens.enter(accessor, instance, token) });
    } catch (error) {
      throw new UserError(`cannot use credentials.vault: ${(error as Error).message}`, "Check credentials.vault.caFile.", EXIT.config, { cause: error });
    }
  }
}
