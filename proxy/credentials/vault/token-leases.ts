import type { LeaseDesk, LeaseOwner } from "../leases/lease-desk.ts";
import { SourceError, type Lease } from "../secret-source.ts";
import type { VaultClient } from "./vault-client.ts";
import type { ClientToken } from "./vault-login.ts";

type TokenClient = Pick<VaultClient, "hasOwnLogin" | "endSession" | "revokeToken" | "revokeAccessor">;

interface TokenLease {
  readonly lease: Lease;
  readonly owner: LeaseOwner;
}

/**
 * The tokens that logins to Vault gave, as leases: written down before they are used, so that what was leased with one can be taken back by its
 * accessor, whatever happens between the store's answer and our note of it. Of each session there is one: a login gives back the token before it.
 */
export class TokenLeases {
  readonly #desk: LeaseDesk;
  readonly #client: () => TokenClient | null;
  /** By instance; null is the proxy itself. */
  readonly #tokens = new Map<string | null, TokenLease>();

  /** @param client null as long as nobody has asked Vault */
  constructor(desk: LeaseDesk, client: () => TokenClient | null) {
    this.#desk = desk;
    this.#client = client;
  }

  /** Resolves when the login is on the disk. @param instance null for the proxy's own @throws SourceError if it cannot be written */
  async enter(accessor: string, instance: string | null, token: Pick<ClientToken, "secret" | "lifetimeMs">): Promise<void> {
    const before = this.#tokens.get(instance);
    const entered = { lease: this.#leaseOf(accessor, token), owner: { grant: "", place: "vault", instance: instance ?? "", thread: "" } };
    this.#tokens.set(instance, entered);
    if (before !== undefined) void this.#desk.giveBack(before.lease, before.owner, "another login took its place");
    await this.#desk.enter(entered.lease, entered.owner, token.lifetimeMs);
  }

  /** Ends the session of an instance and gives back its token. Resolves when Vault has confirmed it; never rejects. */
  async end(instance: string, why: string): Promise<void> {
    await this.#client()?.endSession(instance);
    const token = this.#tokens.get(instance);
    this.#tokens.delete(instance);
    if (token !== undefined) await this.#desk.giveBack(token.lease, token.owner, why);
  }

  get instances(): readonly string[] {
    return [...this.#tokens.keys()].filter((instance) => instance !== null);
  }

  /** Vault has confirmed that the proxy's own token is gone. */
  async strikeOwn(): Promise<void> {
    const own = this.#tokens.get(null);
    this.#tokens.delete(null);
    if (own !== undefined) await this.#desk.strike(own.lease);
  }

  /**
   * The token ends itself, however often that has to be tried; where it cannot, the proxy ends it by its accessor. A 403 confirms nothing: Vault says
   * it of a token that it does not know, and of one that lives and may not end itself.
   */
  #leaseOf(accessor: string, { secret }: Pick<ClientToken, "secret">): Lease {
    const client = this.#client();
    if (client === null) throw new TypeError("a login without a client");
    const { hasOwnLogin } = client;
    return {
      id: accessor, isRenewable: false, ...hasOwnLogin ? { reclaim: { kind: "vault-accessor", id: accessor } as const } : {},
      renew: async () => { throw new SourceError("forbidden", "the session renews its token itself"); },
      revoke: async (signal) => {
        try {
          await client.revokeToken(secret, signal);
        } catch (error) {
          if (!hasOwnLogin || signal.aborted) throw error;
          await client.revokeAccessor(accessor, signal);
        }
      },
    };
  }
}
