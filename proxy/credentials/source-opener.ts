import type { Clock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { CachedSecret, rhythmOf, type Rhythm } from "./cached-secret.ts";
import type { CredentialsConfig, Grant } from "./config.ts";
import type { OpenGrant } from "./grant-set.ts";
import { openSource, type SourceContext } from "./providers.ts";
import { VaultClient } from "./vault-client.ts";

/** Makes grants ready to be lent. The client of the secret store is made when the first grant asks for it, and shared. */
export class SourceOpener {
  readonly #config: CredentialsConfig;
  readonly #context: SourceContext;
  readonly #rhythm: Rhythm;
  #vault: VaultClient | null = null;

  constructor(config: CredentialsConfig, context: Omit<SourceContext, "vault">, clock: Clock) {
    this.#config = config;
    this.#context = { ...context, vault: () => this.#openVault() };
    this.#rhythm = rhythmOf(clock);
  }

  /** Reads no secret yet. @throws UserError if the grant needs what is not configured */
  open(name: string, grant: Grant): OpenGrant {
    const source = openSource(grant.credential, this.#context);
    return { name, grant, source, cached: new CachedSecret(source, this.#config, this.#rhythm) };
  }

  async close(): Promise<void> {
    await this.#vault?.close();
  }

  #openVault(): VaultClient {
    if (this.#vault !== null) return this.#vault;
    const { vault } = this.#config;
    if (vault === undefined) {
      throw new UserError("a grant takes its secret from Vault, but credentials.vault is missing", "Add credentials.vault with address and tokenFile.", EXIT.config);
    }
    try {
      return this.#vault = new VaultClient(vault);
    } catch (error) {
      throw new UserError(`cannot use credentials.vault: ${(error as Error).message}`, "Check credentials.vault.caFile.", EXIT.config, { cause: error });
    }
  }
}
