import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { CredentialReference } from "./config.ts";
import { openGcpServiceAccount, openGithubApp, openKubernetesSecret, openOauth2, type MintContext, type Minting } from "./minting/minting.ts";
import { EnvironmentSource } from "./providers/environment.ts";
import { ExecSource } from "./providers/exec.ts";
import { FileSource } from "./providers/file.ts";
import { IdentitySource } from "./providers/identity.ts";
import { vaultAws } from "./providers/vault-aws.ts";
import { vaultDatabase } from "./providers/vault-database.ts";
import { vaultIdentityToken } from "./providers/vault-identity-token.ts";
import { vaultKubernetes } from "./providers/vault-kubernetes.ts";
import { vaultKv } from "./providers/vault-kv.ts";
import { vaultPki } from "./providers/vault-pki.ts";
import type { SecretSource } from "./secret-source.ts";
import type { VaultClient } from "./vault/vault-client.ts";

/** What sources are opened with. */
export interface SourceContext {
  readonly environment: Environment;
  /** The client of `credentials.vault`. @throws UserError if there is no such section */
  readonly vault: () => VaultClient;
  /** Path of the proxy's own token for the controller; null outside of a cluster. */
  readonly identityTokenFile: string | null;
  /** For sources that ask servers themselves; left out where there are none. */
  readonly mint?: MintContext | undefined;
}

type Reference<T extends CredentialReference["type"]> = Extract<CredentialReference, { type: T }>;
type Providers = { readonly [T in CredentialReference["type"]]: (reference: Reference<T>, context: SourceContext) => SecretSource };

/** The providers: a new one is a line here, its reference schema in config.ts, and a line in test/contract/proxy/credentials. */
export const PROVIDERS: Providers = {
  file: (reference) => new FileSource(reference),
  environment: (reference, context) => new EnvironmentSource(reference, context.environment),
  vault: (reference, context) => vaultKv(reference, context.vault()),
  "vault-database": (reference, context) => vaultDatabase(reference, context.vault()),
  "vault-aws": (reference, context) => vaultAws(reference, context.vault()),
  "vault-identity-token": (reference, context) => vaultIdentityToken(reference, context.vault()),
  "vault-kubernetes": (reference, context) => vaultKubernetes(reference, context.vault()),
  "vault-pki": (reference, context) => vaultPki(reference, context.vault()),
  exec: (reference, context) => new ExecSource(reference, context.environment),
  "kubernetes-secret": (reference, context) => openKubernetesSecret(reference, mintContext(context)),
  "github-app": (reference, context) => openGithubApp(reference, minting(context)),
  oauth2: (reference, context) => openOauth2(reference, minting(context)),
  "gcp-service-account": (reference, context) => openGcpServiceAccount(reference, minting(context)),
  identity: (_reference, context) => new IdentitySource(tokenFile(context)),
};

/** Opens what a reference names; nothing is read yet. */
export function openSource(reference: CredentialReference, context: SourceContext): SecretSource {
  const open = PROVIDERS[reference.type] as (reference: CredentialReference, context: SourceContext) => SecretSource;
  return open(reference, context);
}

function minting(context: SourceContext): Minting {
  return { context: mintContext(context), key: (reference) => openSource(reference, context) };
}

function mintContext({ mint }: SourceContext): MintContext {
  if (mint === undefined) throw new TypeError("opened without a way to servers");
  return mint;
}

function tokenFile({ identityTokenFile }: SourceContext): string {
  if (identityTokenFile === null) throw new UserError("a grant of type identity, but no cluster", "Only a node proxy of a cluster has an identity to show; see `cluster`.", EXIT.config);
  return identityTokenFile;
}
