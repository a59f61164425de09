import { randomBytes } from "node:crypto";
import type { Secret } from "../../../common/secret.ts";
import type { Borrower } from "../../model/agent.ts";
import type { Rhythm } from "../rhythm.ts";
import { SourceError } from "../secret-source.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { VaultApi } from "./vault-api.ts";
import { loginCall, readClientToken, type ClientToken, type LoginAuth } from "./vault-login.ts";
import { VaultRefusal } from "./vault-transport.ts";

/** A client token in use. Vault takes back what was leased with it when it ends. */
export interface HeldToken {
  /** Ours, printable; tells tokens apart. */
  readonly id: string;
  readonly secret: Secret;
  /** By the monotonic clock. */
  readonly untilMs: number;
}

/** Whoever asks Vault, as Vault sees it. */
export interface VaultSession {
  /** The token to ask with now. @param borrower for whom, should a login be needed */
  token(borrower: Borrower | null, signal: AbortSignal): Promise<HeldToken>;
  /** No token and no login on the way: nothing is lost by forgetting it. */
  readonly isIdle: boolean;
  /** Whether a request that was forbidden with this token is worth another login: Vault does not know the token any more. */
  isLost(token: HeldToken, signal: AbortSignal): Promise<boolean>;
  /** After another login, what was forbidden is not. */
  noteLoginHelped(): void;
  /** Something that was leased lives until then, so that the token must. */
  holdUntil(monotonicMs: number): void;
  /** Gives out no token any more, and waits for the login that is on its way. Never rejects. */
  end(): Promise<void>;
  /** Ends, and gives the token back, and with it all that was leased with it. */
  revoke(signal: AbortSignal): Promise<void>;
}

/** A login failed: of what Vault answers, nothing says more of Vault as a whole. */
class LoginError extends SourceError {}

/** Whether a fault that may pass is one of Vault as a whole: sealed, out of reach, or no login. A path that is slow or broken is not. */
export function isFaultOfVault(error: SourceError): boolean {
  return error instanceof LoginError || error.fault === "sealed" || error.fault === "unreachable";
}

export interface SessionParts {
  readonly api: Pick<VaultApi, "call">;
  readonly rhythm: Rhythm;
  /** Awaited before the token is used: whatever is leased with it can be found again after a crash. */
  readonly onLogin: (accessor: string, token: ClientToken) => Promise<void>;
  /** Tokens of all sessions that may be alive, by id. */
  readonly live: Map<string, HeldToken>;
}

/** A timer of Node holds 24 days; a longer life is renewed sooner than it must. */
const LONGEST_PAUSE_MS = 86_400_000;
const RENEW_AT = 2 / 3;
/** Part of the time before a renewal that is left to chance, so that not all tokens of a node are renewed at once. */
const JITTER = 0.1;
/** A renewal that gives less than this part of the first life: the token's last days, and the next login is near. */
const WORTHWHILE = 0.25;
/** A token that is so near its end is left to it. */
const SHORTEST_PAUSE_MS = 500;
const GIVE_BACK_MS = 1_000;
/**
 * After a login that did not help, the next 403 is believed for so long, and twice as long after each more: a role may be forbidden to look itself
 * up, and each login ends the token before it, with all that was leased with that.
 */
const BELIEVE = { firstMs: 60_000, longestMs: 86_400_000 } as const;
/** A login is not cut short by the end of its session: a token that is on its way must be read to be given back. */
const UNCUT = new AbortController().signal;

interface Live extends HeldToken {
  readonly token: ClientToken;
  untilMs: number;
}

/** A token that comes from a login: had once for all who wait, kept no longer than its life, renewed while it is used. */
export class LoginSession implements VaultSession {
  readonly #auth: LoginAuth;
  readonly #parts: SessionParts;
  readonly #ended = new AbortController();
  #live: Live | null = null;
  #loggingIn: Promise<Live> | null = null;
  #keeping: Promise<void> = Promise.resolve();
  #isUsed = false;
  #neededUntilMs = 0;
  #believesUntilMs = Number.NEGATIVE_INFINITY;
  #believesForMs: number = BELIEVE.firstMs;

  constructor(auth: LoginAuth, parts: SessionParts) {
    this.#auth = auth;
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#held() === null && this.#loggingIn === null;
  }

  async token(borrower: Borrower | null, signal: AbortSignal): Promise<HeldToken> {
    signal.throwIfAborted();
    const held = this.#held();
    if (held !== null) {
      this.#isUsed = true;
      return held;
    }
    if (this.#ended.signal.aborted) throw new SourceError("forbidden", "the session with Vault has ended");
    this.#loggingIn ??= this.#logIn(borrower).finally(() => { this.#loggingIn = null; });
    const live = await unlessAborted(this.#loggingIn, signal);
    this.#ended.signal.throwIfAborted();
    return live;
  }

  async isLost(token: HeldToken, signal: AbortSignal): Promise<boolean> {
    if (this.#live?.id !== token.id) return true;
    if (this.#parts.rhythm.clock.monotonicMs() < this.#believesUntilMs) return false;
    try {
      await this.#parts.api.call({ segments: ["auth", "token", "lookup-self"] }, token.secret, signal);
      return false;
    } catch (error) {
      if (!(error instanceof SourceError) || error.fault !== "forbidden") return false;
      this.#believesUntilMs = this.#parts.rhythm.clock.monotonicMs() + this.#believesForMs;
      this.#believesForMs = Math.min(2 * this.#believesForMs, BELIEVE.longestMs);
      if (this.#live?.id === token.id) this.#drop(this.#live);
      return true;
    }
  }

  noteLoginHelped(): void {
    this.#believesUntilMs = Number.NEGATIVE_INFINITY;
    this.#believesForMs = BELIEVE.firstMs;
  }

  holdUntil(monotonicMs: number): void {
    this.#neededUntilMs = Math.max(this.#neededUntilMs, monotonicMs);
  }

  async end(): Promise<void> {
    await this.#end();
  }

  async revoke(signal: AbortSignal): Promise<void> {
    const token = await this.#end();
    if (token !== null) await this.#giveBack(token, signal);
  }

  /** @returns the token that was in hand */
  async #end(): Promise<ClientToken | null> {
    this.#ended.abort(new SourceError("forbidden", "the session with Vault has ended"));
    await this.#loggingIn?.catch(() => undefined);
    const live = this.#live;
    if (live !== null) this.#drop(live);
    await this.#keeping;
    return live?.token ?? null;
  }

  #held(): Live | null {
    const live = this.#live;
    if (live === null || this.#parts.rhythm.clock.monotonicMs() < live.untilMs) return live;
    this.#drop(live);
    return null;
  }

  async #logIn(borrower: Borrower | null): Promise<Live> {
    const { api, rhythm, onLogin } = this.#parts;
    const startedAtMs = rhythm.clock.monotonicMs();
    const token = await this.#attempt(borrower, api);
    if (token.accessor !== null) {
      await onLogin(token.accessor, token).catch(async () => {
        await this.#giveBack(token, AbortSignal.timeout(GIVE_BACK_MS)).catch(() => undefined);
        throw new SourceError("down", "the login could not be noted, so that it is not used");
      });
    }
    const live: Live = { id: randomBytes(6).toString("hex"), secret: token.secret, token, untilMs: startedAtMs + (token.lifetimeMs ?? Number.POSITIVE_INFINITY) };
    this.#live = live;
    this.#parts.live.set(live.id, live);
    this.#isUsed = true;
    this.#keeping = this.#keep(live);
    return live;
  }

  /** A login that Vault says no to is a 400 with some methods and a 403 with others. */
  async #attempt(borrower: Borrower | null, api: SessionParts["api"]): Promise<ClientToken> {
    try {
      return readClientToken(await api.call(await loginCall(this.#auth, borrower), null, UNCUT));
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      const fault = error instanceof VaultRefusal && error.status === 400 ? "forbidden" : error.fault;
      throw new LoginError(fault, `login by ${this.#auth.method}: ${error.message.slice(error.fault.length + 2)}`);
    }
  }

  /** Renews while there is use for the token; otherwise it runs out by itself. */
  async #keep(live: Live): Promise<void> {
    const { clock, pause, random } = this.#parts.rhythm;
    if (live.token.lifetimeMs === null || !live.token.isRenewable) return;
    let isWorthwhile = true;
    while (this.#live === live && isWorthwhile) {
      const waitMs = Math.min((live.untilMs - clock.monotonicMs()) * RENEW_AT * (1 - JITTER * random()), LONGEST_PAUSE_MS);
      const isOver = waitMs < SHORTEST_PAUSE_MS || await pause(waitMs, this.#ended.signal).then(() => false, () => true);
      if (isOver || this.#live !== live) return;
      if (this.#isUsed || clock.monotonicMs() < this.#neededUntilMs) isWorthwhile = await this.#renew(live, live.token.lifetimeMs);
    }
  }

  /** @returns whether to go on: not with a token in its last days, and not with one that Vault takes no longer */
  async #renew(live: Live, firstLifetimeMs: number): Promise<boolean> {
    const { api, rhythm } = this.#parts;
    const startedAtMs = rhythm.clock.monotonicMs();
    try {
      const { lifetimeMs } = readClientToken(await api.call({ segments: ["auth", "token", "renew-self"], body: {} }, live.secret, this.#ended.signal));
      live.untilMs = startedAtMs + (lifetimeMs ?? Number.POSITIVE_INFINITY);
      this.#isUsed = false;
      return lifetimeMs !== null && lifetimeMs >= firstLifetimeMs * WORTHWHILE;
    } catch (error) {
      const mayPass = error instanceof SourceError && error.isPassing;
      if (!mayPass) this.#drop(live);
      return mayPass;
    }
  }

  #drop(live: Live): void {
    if (this.#live === live) this.#live = null;
    this.#parts.live.delete(live.id);
  }

  /** A token that Vault does not know is as good as given back. */
  async #giveBack(token: ClientToken, signal: AbortSignal): Promise<void> {
    if (token.accessor === null) return;
    await this.#parts.api.call({ segments: ["auth", "token", "revoke-self"], body: {} }, token.secret, signal).catch((error: unknown) => {
      if (!(error instanceof VaultRefusal && error.fault === "forbidden")) throw error;
    });
  }
}
