import * as z from "zod";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { tokenReview } from "../../common/kube/reviews.ts";
import type { ClusterTokens } from "../model/pods.ts";

const discovery = z.object({ issuer: z.string().min(1).max(512) });
const POD_UID = "authentication.kubernetes.io/pod-uid";

/** What the API server says about the service-account tokens that it issues. */
export function apiTokens(api: KubeApi): ClusterTokens {
  return {
    issuer: async () => discovery.parse(await api.read("/.well-known/openid-configuration")).issuer,
    keys: async () => api.read("/openid/v1/jwks"),
    isAccepted: async (token, audience, podUid, signal) => {
      const verdict = await tokenReview(api, token, [audience], signal);
      return verdict.isAuthentic && verdict.user.extra[POD_UID]?.[0] === podUid;
    },
  };
}
