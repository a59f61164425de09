import type { LeaseDesk, LeaseOwner } from "./lease-desk.ts";
import { SourceError, type Lease } from "./secret-source.ts";
import type { VaultClient } from "./vault-client.ts";

type TokenClient = Pick<VaultClient, "hasOwnLogin" | "revokeSelf" | "revokeAccessor">;

interface TokenLease {
  readonly lease: Lease;
  readonly owner: LeaseOwner;
}

/**
 * The tokens that logins to Vault gave, as leases: written down before they are used, so that what was leased with one can be taken back by its
 * accessor, whatever happens between the store's answer and our note of it.
 */
export class TokenLeases {
  readonly #desk: LeaseDesk;
  readonly #client: () => TokenClient;
  readonly #ofInstances = new Map<string, TokenLease[]>();
  #own: TokenLease[] = [];

  constructor(desk: LeaseDesk, client: () => TokenClient) {
    this.#desk = desk;
    this.#client = client;
  }

  /** Resolves when the login is on the disk. @param instance null for the proxy's own @throws SourceError if it cannot be written */
  async enter(accessor: string, instance: string | null): Promise<void> {
    const token = { lease: this.#leaseOf(accessor, instance), owner: { grant: "", place: "vault", instance: instance ?? "", thread: "" } };
    if (instance === null) this.#own.push(token);
    else this.#ofInstances.set(instance, [...this.#ofInstances.get(instance) ?? [], token]);
    await this.#desk.enter(token.lease, token.owner);
  }

  /** Gives back the tokens of an instance. Resolves when Vault has confirmed it; never rejects. */
  async end(instance: string, why: string): Promise<void> {
    const tokens = this.#ofInstances.get(instance) ?? [];
    this.#ofInstances.delete(instance);
    await Promise.all(tokens.map(async ({ lease, owner }) => this.#desk.giveBack(lease, owner, why)));
  }

  get instances(): readonly string[] {
    return [...this.#ofInstances.keys()];
  }

  /** Vault has confirmed that the proxy's own tokens are gone. */
  async strikeOwn(): Promise<void> {
    const own = this.#own;
    this.#own = [];
    await Promise.all(own.map(async ({ lease }) => this.#desk.strike(lease)));
  }

  /** The token gives itself back; if that fails, the proxy takes it back by its accessor, for as long as it takes. */
  #leaseOf(accessor: string, instance: string | null): Lease {
    let hasTried = instance === null;
    return {
      id: accessor, isRenewable: false, ...this.#client().hasOwnLogin ? { reclaim: { kind: "vault-accessor", id: accessor } as const } : {},
      renew: async () => { throw new SourceError("forbidden", "the session renews its token itself"); },
      revoke: async (signal) => {
        if (!hasTried && instance !== null) {
          hasTried = true;
          await this.#client().revokeSelf(instance, signal);
        } else if (this.#client().hasOwnLogin) {
          await this.#client().revokeAccessor(accessor, signal);
        }
      },
    };
  }
}
