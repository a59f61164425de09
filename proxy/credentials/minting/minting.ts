import type { Clock } from "../../../common/clock.ts";
import { EXIT, UserError } from "../../../common/exit-codes.ts";
import type { KubeApi } from "../../../common/kube/kube-api.ts";
import type { Network } from "../../model/network.ts";
import type { KeyReference } from "./key-reference.ts";
import { GcpServiceAccountSource, type GcpServiceAccountReference } from "../providers/gcp-service-account.ts";
import { GithubAppSource, type GithubAppReference } from "../providers/github-app.ts";
import { KubernetesSecretSource, type KubernetesSecretReference } from "../providers/kubernetes-secret.ts";
import { Oauth2Source, type Oauth2Reference, type Rotation } from "../providers/oauth2.ts";
import { RefreshTokenFile } from "./refresh-token-file.ts";
import type { SecretSource } from "../secret-source.ts";
import { TokenClient } from "./token-client.ts";

/** What those sources need that ask servers themselves. */
export interface MintContext {
  readonly network: Network;
  /** Where refresh tokens are kept; no agent sees it. */
  readonly stateDirectory: string;
  /** Null outside of a cluster. */
  readonly kube: Pick<KubeApi, "get"> | null;
  readonly clock: Clock;
}

/** A source's surroundings, and how to open the key that it is given for its requests. */
export interface Minting {
  readonly context: MintContext;
  readonly key: (reference: KeyReference) => SecretSource;
}

export function openGithubApp(reference: GithubAppReference, { context, key }: Minting): SecretSource {
  return new GithubAppSource(reference, { key: key(reference.key), client: new TokenClient(context.network, reference), clock: context.clock });
}

export function openGcpServiceAccount(reference: GcpServiceAccountReference, { context, key }: Minting): SecretSource {
  return new GcpServiceAccountSource(reference, { key: key(reference.key), client: new TokenClient(context.network, reference), clock: context.clock });
}

export function openOauth2(reference: Oauth2Reference, { context, key }: Minting): SecretSource {
  const { clientSecret, refreshToken } = reference;
  return new Oauth2Source(reference, {
    clientSecret: clientSecret === undefined ? null : key(clientSecret), client: new TokenClient(context.network, reference), clock: context.clock,
    rotation: refreshToken === undefined ? null : rotationOf(reference, key(refreshToken), context),
  });
}

/** One that all share is kept in one file, whatever is put in its place; those of agents, which one reference names, in a file for each. */
function rotationOf({ tokenEndpoint, clientId, refreshToken }: Oauth2Reference, seed: SecretSource, { stateDirectory }: MintContext): Rotation {
  const client = [tokenEndpoint, clientId, JSON.stringify(refreshToken)];
  return { seed, fileOf: (first) => new RefreshTokenFile(stateDirectory, client.join("\n"), seed.scope === "instance" ? first : null) };
}

/** @throws UserError outside of a cluster */
export function openKubernetesSecret(reference: KubernetesSecretReference, context: MintContext): SecretSource {
  if (context.kube === null) throw new UserError("a grant of type kubernetes-secret, but no cluster", "Only a node proxy of a cluster can read Secrets; see `cluster`.", EXIT.config);
  return new KubernetesSecretSource(reference, context.kube);
}
