import type { Clock } from "../../../common/clock.ts";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import type { CertificateSigner } from "../../model/certificate-signer.ts";
import type { RemoteKey } from "../../model/remote-key.ts";
import type { CredentialsConfig } from "../config.ts";
import { PkiSigner, type PkiPlace } from "./pki-signer.ts";
import { rhythmOf } from "../rhythm.ts";
import { TransitKey, type TransitPlace } from "./transit-key.ts";
import { VaultClient } from "./vault-client.ts";

/** What the proxy asks of Vault for itself, and no agent gets. It logs in as the proxy, when something is first asked. */
export class OwnVault {
  readonly #config: Pick<CredentialsConfig, "vault">;
  readonly #clock: Clock;
  #client: VaultClient | null = null;

  constructor(config: Pick<CredentialsConfig, "vault">, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** @throws UserError if there is no Vault to ask */
  transitKey(place: TransitPlace): RemoteKey {
    return new TransitKey(this.#open("audit.transit"), place);
  }

  /** @throws UserError if there is no Vault to ask */
  certificateSigner(place: PkiPlace): CertificateSigner {
    return new PkiSigner(this.#open("tls.intermediate"), place);
  }

  async close(): Promise<void> {
    await this.#client?.close();
  }

  #open(setting: string): VaultClient {
    if (this.#client !== null) return this.#client;
    const { vault } = this.#config;
    if (vault === undefined) throw new UserError(`${setting} asks Vault, but credentials.vault is missing`, "Add credentials.vault with address and auth.", EXIT.config);
    try {
      return this.#client = new VaultClient(vault, { rhythm: rhythmOf(this.#clock) });
    } catch (error) {
      throw new UserError(`cannot use credentials.vault: ${(error as Error).message}`, "Check credentials.vault.caFile.", EXIT.config, { cause: error });
    }
  }
}
