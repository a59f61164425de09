import type { Environment } from "../../common/config.ts";
import type { CredentialReference } from "./config.ts";
import { EnvironmentSource } from "./providers/environment.ts";
import { FileSource } from "./providers/file.ts";
import { VaultKvSource } from "./providers/vault-kv.ts";
import type { SecretSource } from "./secret-source.ts";
import type { VaultClient } from "./vault-client.ts";

/** What sources are opened with. */
export interface SourceContext {
  readonly environment: Environment;
  /** The client of `credentials.vault`; there is one if a grant asks for it. */
  readonly vault: VaultClient | null;
}

type Reference<T extends CredentialReference["type"]> = Extract<CredentialReference, { type: T }>;
type Providers = { readonly [T in CredentialReference["type"]]: (reference: Reference<T>, context: SourceContext) => SecretSource };

/** The providers: a new one is a line here, its reference schema in config.ts, and a line in test/contract/proxy/credentials. */
export const PROVIDERS: Providers = {
  file: (reference) => new FileSource(reference),
  environment: (reference, context) => new EnvironmentSource(reference, context.environment),
  vault: (reference, context) => new VaultKvSource(reference, present(context.vault)),
};

/** Opens what a reference names; nothing is read yet. */
export function openSource(reference: CredentialReference, context: SourceContext): SecretSource {
  const open = PROVIDERS[reference.type] as (reference: CredentialReference, context: SourceContext) => SecretSource;
  return open(reference, context);
}

function present(vault: VaultClient | null): VaultClient {
  if (vault === null) throw new TypeError("a source of type vault without a client");
  return vault;
}
