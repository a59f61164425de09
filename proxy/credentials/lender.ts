import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { RequestHead } from "../model/request.ts";
import { misdirection } from "./binding.ts";
import { CachedSecret, rhythmOf } from "./cached-secret.ts";
import type { CredentialsConfig, Grant, Grants } from "./config.ts";
import type { CredentialLender, Loan } from "./credential-lender.ts";
import { GrantSet, type OpenGrant } from "./grant-set.ts";
import { openSource } from "./providers.ts";
import { VaultClient } from "./vault-client.ts";

const NOTHING: Loan = { headers: [], strip: [], references: [], secrets: [] };

export interface LenderConfig {
  readonly grants: Grants;
  readonly credentials: CredentialsConfig;
}

/** Combinations of grants that are remembered; a policy uses few, and one that is not remembered is only slower. */
const SET_LIMIT = 256;

/** Lends what the configured grants name. Nothing is fetched before the request is inside the binding of every grant. */
export class Lender implements CredentialLender {
  readonly #grants: ReadonlyMap<string, OpenGrant>;
  readonly #vault: VaultClient | null;
  readonly #sets = new Map<string, GrantSet>();

  /** @param vault shared by the sources of the grants; closed with the lender */
  constructor(grants: ReadonlyMap<string, OpenGrant>, vault: VaultClient | null) {
    this.#grants = grants;
    this.#vault = vault;
  }

  async lend(grants: readonly string[], _agent: AgentIdentity, head: RequestHead, signal: AbortSignal): Promise<Loan> {
    if (grants.length === 0) return NOTHING;
    const wanted = this.#setOf(grants);
    for (const { name, grant } of wanted.grants) checkBinding(name, grant, head);
    return wanted.loanInHand(signal) ?? wanted.fetchLoan(signal);
  }

  /** Ends connections to secret stores. */
  async close(): Promise<void> {
    await this.#vault?.close();
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
 * @param environment the proxy's own, for grants of type `environment`
 * @throws UserError if a grant needs a store that is not configured, or the store's CA file cannot be read
 */
export function openLender(config: LenderConfig, environment: Environment, clock: Clock): Lender {
  const entries = Object.entries(config.grants);
  const vault = entries.some(([, { credential }]) => credential.type === "vault") ? openVault(config.credentials) : null;
  const rhythm = rhythmOf(clock);
  const grants = entries.map(([name, grant]): [string, OpenGrant] => {
    const source = openSource(grant.credential, { environment, vault });
    return [name, { name, grant, source, cached: new CachedSecret(source, config.credentials, rhythm) }];
  });
  return new Lender(new Map(grants), vault);
}

function openVault(credentials: CredentialsConfig): VaultClient {
  if (credentials.vault === undefined) {
    throw new UserError("a grant takes its secret from Vault, but credentials.vault is missing", "Add credentials.vault with address and tokenFile.", EXIT.config);
  }
  try {
    return new VaultClient(credentials.vault);
  } catch (error) {
    throw new UserError(`cannot use credentials.vault: ${(error as Error).message}`, "Check credentials.vault.caFile.", EXIT.config, { cause: error });
  }
}

function checkBinding(name: string, grant: Grant, head: RequestHead): void {
  const problem = misdirection(grant.bind, head);
  if (problem === null) return;
  throw new EgressError("credential.misdirected", `grant ${name}: ${problem}`, {
    explanation: { rule: `grant.${name}`, reason: problem, hint: `Send the request to a destination of grant ${name}, or ask for a policy without it here.` },
  });
}
