import type { JWTPayload } from "jose";
import * as z from "zod";
import { agentIdentity, IDENTITY_CLAIM, type AgentIdentity } from "../../common/identity.ts";
import { EgressError } from "../errors.ts";
import type { PodClaim } from "../model/pods.ts";

/** The private claim by which a local issuer binds a token to the address of a peer on TCP. */
export const PEER_CLAIM = "weir.dev/peer";

/** A local token carries the agent; a pod's token says only which pod it is, and the pod says which agent. */
export type Claims =
  | { readonly kind: "local"; readonly agent: AgentIdentity; readonly peerAddress: string | null }
  | { readonly kind: "pod"; readonly pod: PodClaim };

const localClaims = z.object({ [IDENTITY_CLAIM]: agentIdentity, [PEER_CLAIM]: z.union([z.ipv4(), z.ipv6()]).optional() });

const label = z.string().min(1).max(253);
/** Claims of a bound service-account token (kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin). */
const kubernetesClaims = z.object({
  "kubernetes.io": z.object({
    namespace: label,
    pod: z.object({ name: label, uid: z.uuid() }),
    node: z.object({ name: label }),
    serviceaccount: z.object({ name: label, uid: label }),
  }),
});

/** @throws EgressError `identity.rejected` if the issuer's own claims are not there in full */
export function readClaims(kind: "local" | "kubernetes", payload: JWTPayload): Claims {
  return kind === "local" ? readLocal(payload) : readKubernetes(payload);
}

function readLocal(payload: JWTPayload): Claims {
  const claims = localClaims.safeParse(payload);
  if (!claims.success) throw new EgressError("identity.rejected", "the token does not carry an agent", { cause: claims.error });
  return { kind: "local", agent: claims.data[IDENTITY_CLAIM], peerAddress: claims.data[PEER_CLAIM] ?? null };
}

function readKubernetes(payload: JWTPayload): Claims {
  const claims = kubernetesClaims.safeParse(payload);
  if (!claims.success) throw new EgressError("identity.rejected", "the token is not bound to a pod on a node", { cause: claims.error });
  const { namespace, pod, node } = claims.data["kubernetes.io"];
  return { kind: "pod", pod: { uid: pod.uid, name: pod.name, namespace, node: node.name } };
}
