import type { Clock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { RequestHead } from "../model/request.ts";
import { AUTH_HEADERS } from "./auth-headers.ts";
import { misdirection } from "./binding.ts";
import { CachedSecret, rhythmOf } from "./cached-secret.ts";
import type { CredentialsConfig, Grant, Grants } from "./config.ts";
import type { CredentialLender, Loan } from "./credential-lender.ts";
import { formatHeader, type InjectedHeader } from "./header-injection.ts";
import { openSource } from "./providers.ts";
import { SourceError, type FetchedSecret, type SecretSource } from "./secret-source.ts";
import { VaultClient } from "./vault-client.ts";

const NOTHING: Loan = { headers: [], strip: [], references: [], secrets: [] };

export interface LenderConfig {
  readonly grants: Grants;
  readonly credentials: CredentialsConfig;
}

/** One configured grant, ready to be lent. */
export interface OpenGrant {
  readonly name: string;
  readonly grant: Grant;
  readonly source: SecretSource;
  readonly cached: CachedSecret;
}

/** Lends what the configured grants name. Nothing is fetched before the request is inside the binding of every grant. */
export class Lender implements CredentialLender {
  readonly #grants: ReadonlyMap<string, OpenGrant>;
  readonly #vault: VaultClient | null;

  /** @param vault shared by the sources of the grants; closed with the lender */
  constructor(grants: ReadonlyMap<string, OpenGrant>, vault: VaultClient | null) {
    this.#grants = grants;
    this.#vault = vault;
  }

  async lend(grants: readonly string[], _agent: AgentIdentity, head: RequestHead, signal: AbortSignal): Promise<Loan> {
    if (grants.length === 0) return NOTHING;
    const wanted = [...new Set(grants)].map((name) => this.#find(name));
    for (const { name, grant } of wanted) checkBinding(name, grant, head);
    checkFields(wanted);
    const lent = await Promise.all(wanted.map(async (open) => prepare(open, signal)));
    const headers = lent.map(({ injected }) => injected.header);
    return {
      headers, strip: [...new Set([...AUTH_HEADERS, ...headers.map(([name]) => name)])],
      references: lent.map(({ reference }) => reference), secrets: lent.flatMap(({ injected }) => injected.secrets),
    };
  }

  /** Ends connections to secret stores. */
  async close(): Promise<void> {
    await this.#vault?.close();
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

/** Two credentials in one field: one of them would silently not be sent. */
function checkFields(wanted: readonly OpenGrant[]): void {
  const owners = new Map<string, string>();
  for (const { name, grant } of wanted) {
    const owner = owners.get(grant.inject.header);
    if (owner !== undefined) throw new EgressError("credential.unavailable", `grants ${owner} and ${name} both set ${grant.inject.header}`);
    owners.set(grant.inject.header, name);
  }
}

async function prepare({ name, grant, source, cached }: OpenGrant, signal: AbortSignal): Promise<{ injected: InjectedHeader; reference: string }> {
  try {
    const fetched: FetchedSecret = await cached.get(signal);
    return { injected: formatHeader(grant.inject, fetched.secret), reference: `${name}@${source.describe}#${fetched.version}` };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    // The same for every fault: an agent must not learn from the answer which secrets exist. The cause is for log and audit.
    throw new EgressError("credential.unavailable", `grant ${name}, ${source.describe}: ${error.message}`, { cause: error });
  }
}
