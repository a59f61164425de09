import type { Clock } from "../../common/clock.ts";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { AccessRefused, subjectsOf, type Access, type Allowed, type Caller, type Question } from "./access.ts";
import type { AccessAnswer } from "./access-answer.ts";
import { accessInputOf } from "./access-input.ts";
import { openAccessPolicy, type AccessPolicy } from "./access-policy.ts";
import { authenticate, vouchedInstance } from "./authenticate.ts";
import type { ClusterObjects } from "./cluster-objects.ts";
import type { AccessConfig } from "./config.ts";
import { KubernetesRights } from "./kubernetes-rights.ts";
import { OidcIssuers } from "./oidc-issuers.ts";
import { TokenReviews } from "./token-reviews.ts";

export interface AccessParts {
  /** For TokenReview and SubjectAccessReview. */
  readonly kube: KubeApi;
  readonly objects: ClusterObjects;
  readonly clock: Clock;
}

/** Opens the access room. @throws UserError if the policy or a CA file is missing */
export async function openAccess(config: AccessConfig, { kube, objects, clock }: AccessParts): Promise<Access & { close(): Promise<void> }> {
  const monotonicMs = () => clock.monotonicMs();
  const policy = await openAccessPolicy();
  const issuers = new OidcIssuers(config, clock);
  const witnesses = { reviews: new TokenReviews(kube, config, monotonicMs), issuers, objects, clock, config };
  const rights = new KubernetesRights(kube, config, monotonicMs);
  const answer = async (caller: Caller, question: Question) => decide({ policy, rights, config }, caller, question);
  return {
    authenticate: async (credentials) => authenticate(credentials, witnesses),
    require: async (caller, question) => allowed(await answer(caller, question)),
    allows: async (caller, question) => (await answer(caller, question)).allow,
    subjects: subjectsOf,
    instanceOn: async ({ node }, said) => vouchedInstance(said, node, witnesses).catch((error: unknown) => {
      if (error instanceof AccessRefused) return null;
      throw error;
    }),
    close: async () => issuers.close(),
  };
}

interface Deciding {
  readonly policy: AccessPolicy;
  readonly rights: KubernetesRights;
  readonly config: AccessConfig;
}

/** Kubernetes is asked only where relations alone do not allow: most requests cost the API server nothing. */
async function decide({ policy, rights, config }: Deciding, caller: Caller, question: Question): Promise<AccessAnswer> {
  const byRelations = await policy(accessInputOf(caller, question, config, false));
  if (byRelations.allow || caller.kind !== "person" || !await rights.allows(caller, question.action, question.namespace)) return byRelations;
  return policy(accessInputOf(caller, question, config, true));
}

function allowed(answer: AccessAnswer): Allowed {
  if (!answer.allow) throw new AccessRefused(answer.rule, answer.reason, { hint: answer.hint });
  return { rule: answer.rule, grants: answer.grants };
}
