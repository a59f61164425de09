import type { Clock } from "../../common/clock.ts";
import { AccessRefused, AccessUnavailable, type Caller, type Credentials, type Instance } from "./access.ts";
import { readBearerToken } from "./bearer-token.ts";
import type { ClusterObjects } from "./cluster-objects.ts";
import type { AccessConfig } from "./config.ts";
import { provenInstance, readInstanceClaim, type InstanceClaim } from "./instances.ts";
import type { OidcIssuers } from "./oidc-issuers.ts";
import type { KubernetesUser, TokenReviews } from "./token-reviews.ts";

export interface Witnesses {
  readonly reviews: TokenReviews;
  readonly issuers: OidcIssuers;
  readonly objects: ClusterObjects;
  readonly clock: Clock;
  readonly config: AccessConfig;
}

/**
 * Finds out who calls. A token of a configured issuer is checked by its keys, every other one by the API server. The instance header counts only
 * beside a node proxy's token; from anybody else it ends the request, because whoever sends it wants to be taken for somebody.
 * @throws AccessRefused, AccessUnavailable
 */
export async function authenticate(credentials: Credentials, witnesses: Witnesses): Promise<Caller> {
  const token = readBearerToken(credentials.authorization);
  const issuer = witnesses.issuers.of(token);
  if (issuer !== undefined) {
    refuseInstance(credentials);
    return issuer.person(token);
  }
  const user = await witnesses.reviews.user(token);
  if (witnesses.config.nodeProxies.includes(user.name)) return speakerOf(user, credentials, witnesses);
  refuseInstance(credentials);
  return { kind: "person", name: user.name, groups: user.groups, isOfKubernetes: true };
}

function refuseInstance({ instance }: Credentials): void {
  if (instance === undefined) return;
  const hint = "leave the instance header out, or call weir.internal from inside the pod";
  throw new AccessRefused("instance.not-a-proxy", "only a node proxy speaks for an instance", { hint });
}

async function speakerOf(user: KubernetesUser, { instance }: Credentials, witnesses: Witnesses): Promise<Caller> {
  // A token for the API server may have passed through other hands than the controller's.
  if (!user.isForController || user.node === null) {
    const reason = "a node proxy's token is for this controller and bound to a pod on its node";
    throw new AccessRefused("instance.unbound-proxy", reason, { hint: "project it with audience weir-controller", kind: "unauthenticated" });
  }
  if (instance === undefined) return { kind: "node", node: user.node };
  return vouchedInstance(readInstanceClaim(instance), user.node, witnesses);
}

/** @throws AccessRefused if the cluster does not agree, AccessUnavailable if it does not say */
export async function vouchedInstance(said: InstanceClaim, node: string, { objects, clock }: Witnesses): Promise<Instance> {
  try {
    return await provenInstance(said, node, { objects, clock });
  } catch (cause) {
    if (cause instanceof AccessRefused) throw cause;
    throw new AccessUnavailable("the API server did not say whether the instance lives", { cause });
  }
}
