import * as z from "zod";
import { systemClock, type Clock } from "../../../common/clock.ts";
import type { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import { rhythmOf, type Rhythm } from "../rhythm.ts";
import { SourceError } from "../secret-source.ts";
import { VaultApi, type VaultCall } from "./vault-api.ts";
import { authOf, type OwnAuth, type VaultAuth, type VaultConfig } from "./vault-config.ts";
import type { ClientToken, LoginAuth } from "./vault-login.ts";
import { LoginSession, type HeldToken, type VaultSession } from "./vault-session.ts";
import { FILE_TOKEN, TokenFileSession } from "./vault-token-file.ts";
import { VaultRefusal } from "./vault-transport.ts";

/** Sessions above this number are looked through for those that have ended. */
const SESSION_LIMIT = 1_024;
/** Ended instances that are remembered, so that what was under way for one does not log in again for it. */
const BARRED_LIMIT = 4_096;
/** Time for all tokens to be given back when the proxy stops. */
const CLOSE_MS = 2_000;

/** What Vault answered, and the token that it was asked with. */
export interface VaultReply {
  readonly body: unknown;
  /** Printable; what is leased with a token ends with it (`isLive`). */
  readonly tokenId: string;
}

/** A lease as this client was given it. */
export interface LeaseName {
  readonly id: string;
  readonly tokenId: string;
}

const leaseAnswer = z.object({ lease_duration: z.number().int().nonnegative() });

function leaseGone(): SourceError {
  return new SourceError("missing", "Vault knows the lease no longer, or renews it no more");
}

export interface VaultOptions {
  readonly rhythm?: Rhythm;
  /** Awaited before a new token is used; if it throws, the token is given back. @param instance for whom the login is; null for the proxy itself */
  readonly onLogin?: (accessor: string, instance: string | null, token: ClientToken) => Promise<void>;
}

/**
 * Vault or OpenBao, asked as whoever the configuration says: as the proxy, or as each agent. Every call throws SourceError (or the signal's
 * reason) and nothing else. A request that is forbidden because Vault does not know the token any more is asked once more, after another login.
 */
export class VaultClient {
  /** `instance`: what may be read differs by agent, so that nothing that was read may be shared. */
  readonly scope: "shared" | "instance";
  readonly #api: VaultApi;
  readonly #auth: VaultAuth;
  readonly #rhythm: Rhythm;
  readonly #onLogin: NonNullable<VaultOptions["onLogin"]>;
  readonly #live = new Map<string, HeldToken>();
  readonly #sessions = new Map<string, VaultSession>();
  /** The one that was barred last is last. */
  readonly #barred = new Set<string>();
  readonly #own: VaultSession | null;

  /** @throws Error if the CA file cannot be read */
  constructor(config: VaultConfig, { rhythm = rhythmOf(systemClock), onLogin = async () => {} }: VaultOptions = {}) {
    this.#api = new VaultApi(config);
    this.#auth = authOf(config);
    this.#rhythm = rhythm;
    this.#onLogin = onLogin;
    this.scope = this.#auth.method === "jwt" ? "instance" : "shared";
    const own = this.#auth.method === "jwt" ? this.#auth.own : this.#auth;
    this.#own = own === undefined ? null : this.#openOwn(own);
  }

  get clock(): Clock {
    return this.#rhythm.clock;
  }

  /** Whether another process could log in as this one did: what it leased can be taken back then, though it crashed. */
  get hasOwnLogin(): boolean {
    return this.#own !== null;
  }

  /** @param borrower on whose behalf; null for what the proxy does for itself */
  async call(call: VaultCall, borrower: Borrower | null, signal: AbortSignal): Promise<VaultReply> {
    const session = this.#sessionOf(borrower);
    const token = await session.token(borrower, signal);
    try {
      return { body: await this.#api.call(call, token.secret, signal), tokenId: token.id };
    } catch (error) {
      if (!(error instanceof VaultRefusal) || error.fault !== "forbidden" || !await session.isLost(token, signal)) throw error;
      const next = await session.token(borrower, signal);
      const body = await this.#api.call(call, next.secret, signal);
      session.noteLoginHelped();
      return { body, tokenId: next.id };
    }
  }

  /** Whether the token may still be alive: what was leased with a dead one must not be used. Cheap. */
  isLive(tokenId: string): boolean {
    if (tokenId === FILE_TOKEN) return true;
    const token = this.#live.get(tokenId);
    return token !== undefined && this.#rhythm.clock.monotonicMs() < token.untilMs;
  }

  /** Says that a lease of this token lives for so long: the token is renewed until then. */
  holdToken(borrower: Borrower | null, forMs: number): void {
    const isOwn = this.#auth.method !== "jwt" || borrower === null;
    const session = isOwn ? this.#own : this.#sessions.get(borrower.agent.instance);
    session?.holdUntil(this.#rhythm.clock.monotonicMs() + forMs);
  }

  /**
   * @returns for how long what was leased may be used now, in milliseconds
   * @throws SourceError `missing` if Vault knows the lease no longer, or renews it no more
   */
  async renewLease(lease: LeaseName, increaseSeconds: number, borrower: Borrower | null, signal: AbortSignal): Promise<number> {
    if (!this.isLive(lease.tokenId)) throw leaseGone();
    const call = { segments: ["sys", "leases", "renew"], body: { lease_id: lease.id, increment: increaseSeconds } };
    const { body } = await this.call(call, borrower, signal).catch((error: unknown) => { throw error instanceof VaultRefusal && error.status === 400 ? leaseGone() : error; });
    const renewed = leaseAnswer.safeParse(body);
    if (!renewed.success) throw new SourceError("malformed", "Vault's answer to the renewal of a lease is not one");
    const lifetimeMs = renewed.data.lease_duration * 1_000;
    if (lifetimeMs === 0) throw leaseGone();
    this.holdToken(borrower, lifetimeMs);
    return lifetimeMs;
  }

  /**
   * Resolves when what was leased is gone at its engine too, or Vault no longer knows the lease. Asked as the proxy itself where it can log in.
   * @param borrower of a lease of this process; null for one that an earlier process left
   */
  async revokeLease(leaseId: string, borrower: Borrower | null, signal: AbortSignal): Promise<void> {
    await this.#takeBack({ segments: ["sys", "leases", "revoke"], body: { lease_id: leaseId, sync: true }, behind: "revoke" }, this.#own === null ? borrower : null, signal);
  }

  /** Ends a token of an earlier process by its accessor, and with it all that was leased with it. Asked as the proxy itself. */
  async revokeAccessor(accessor: string, signal: AbortSignal): Promise<void> {
    await this.#takeBack({ segments: ["auth", "token", "revoke-accessor"], body: { accessor } }, null, signal);
  }

  /** No login for this instance from now on. */
  barInstance(instance: string): void {
    const [oldest] = this.#barred;
    if (oldest !== undefined && this.#barred.size >= BARRED_LIMIT) this.#barred.delete(oldest);
    this.#barred.add(instance);
  }

  /** Ends the session of an instance, the login that is on its way waited for; its token is the caller's to revoke. Never rejects. */
  async endSession(instance: string): Promise<void> {
    const session = this.#sessions.get(instance);
    this.#sessions.delete(instance);
    await session?.end();
  }

  /** Asks Vault to end a token, with the token itself. @throws SourceError `forbidden` too where Vault does not know the token */
  async revokeToken(secret: Secret, signal: AbortSignal): Promise<void> {
    await this.#api.call({ segments: ["auth", "token", "revoke-self"], body: {} }, secret, signal);
  }

  /** Gives back all tokens, and with them what was leased, as far as Vault can be reached in time; then ends its connections. @returns whether Vault has confirmed it */
  async close(): Promise<boolean> {
    const signal = AbortSignal.timeout(CLOSE_MS);
    const sessions = [...this.#sessions.values(), ...this.#own === null ? [] : [this.#own]];
    this.#sessions.clear();
    const outcomes = await Promise.allSettled(sessions.map(async (session) => session.revoke(signal)));
    await this.#api.close();
    return outcomes.every(({ status }) => status === "fulfilled");
  }

  /** What Vault does not know has been taken back. */
  async #takeBack(call: VaultCall, borrower: Borrower | null, signal: AbortSignal): Promise<void> {
    try {
      await this.call(call, borrower, signal);
    } catch (error) {
      if (!(error instanceof VaultRefusal && (error.status === 400 || error.status === 404))) throw error;
    }
  }

  #sessionOf(borrower: Borrower | null): VaultSession {
    if (this.#auth.method !== "jwt" || borrower === null) {
      if (this.#own === null) throw new SourceError("forbidden", "the proxy has no login of its own (credentials.vault.auth.own)");
      return this.#own;
    }
    const { instance } = borrower.agent;
    if (this.#barred.has(instance)) throw new SourceError("revoked", "the instance has ended");
    let session = this.#sessions.get(instance);
    if (session === undefined) {
      if (this.#sessions.size >= SESSION_LIMIT) this.#forgetEnded();
      session = this.#openLogin(this.#auth, instance);
      this.#sessions.set(instance, session);
    }
    return session;
  }

  #forgetEnded(): void {
    for (const [instance, session] of this.#sessions) {
      if (session.isIdle) this.#sessions.delete(instance);
    }
  }

  #openOwn(auth: OwnAuth): VaultSession {
    return auth.method === "token" ? new TokenFileSession(auth.tokenFile) : this.#openLogin(auth, null);
  }

  #openLogin(auth: LoginAuth, instance: string | null): VaultSession {
    return new LoginSession(auth, { api: this.#api, rhythm: this.#rhythm, live: this.#live, onLogin: async (accessor, token) => this.#onLogin(accessor, instance, token) });
  }
}
