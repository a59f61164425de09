import { LRUCache } from "lru-cache";
import * as z from "zod";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { CONTROLLER_AUDIENCE } from "../../common/labels.ts";
import { AccessUnavailable } from "./access.ts";
import { unauthenticated, type BearerToken } from "./bearer-token.ts";
import type { AccessConfig } from "./config.ts";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
const CACHE_ENTRIES = 10_000;
/** Puts the node of the pod that a token is bound to among the user's extras (KEP-4193). */
const NODE_EXTRA = "authentication.kubernetes.io/node-name";

/** TokenReview's status, as far as it is used (authentication.k8s.io/v1). */
const reviewed = z.object({
  status: z.object({
    authenticated: z.boolean().optional(),
    error: z.string().optional(),
    audiences: z.array(z.string()).optional(),
    user: z.object({
      username: z.string().min(1).max(1_024),
      groups: z.array(z.string().max(1_024)).max(1_000).optional(),
      extra: z.record(z.string(), z.array(z.string())).optional(),
    }).partial().optional(),
  }),
});

export interface KubernetesUser {
  readonly name: string;
  readonly groups: readonly string[];
  /** The token is meant for this controller, not for the API server. */
  readonly isForController: boolean;
  /** Node of the pod that the token is bound to, if it is bound to one. */
  readonly node: string | null;
}

/** Asks the API server whose a token is, and keeps its word for a while. Those who ask for the same token at once share one review. */
export class TokenReviews {
  readonly #kube: KubeApi;
  readonly #config: AccessConfig;
  readonly #known: LRUCache<string, Promise<KubernetesUser>>;

  constructor(kube: KubeApi, config: AccessConfig, monotonicMs: () => number) {
    this.#kube = kube;
    this.#config = config;
    // Without a time to live nothing may be kept at all; LRUCache would take 0 for «for ever».
    const [max, ttl] = config.tokenCacheMs === 0 ? [1, 1] : [CACHE_ENTRIES, config.tokenCacheMs];
    this.#known = new LRUCache({ max, ttl, perf: { now: monotonicMs }, ttlResolution: 0 });
  }

  /** @throws AccessRefused if it is nobody's, AccessUnavailable if the API server does not say */
  async user(token: BearerToken): Promise<KubernetesUser> {
    const known = this.#known.get(token.hash);
    if (known !== undefined && this.#config.tokenCacheMs > 0) return known;
    const asking = this.#review(token);
    this.#known.set(token.hash, asking);
    asking.catch((error: unknown) => {
      // A refusal is kept, so that a bad token costs the API server one review; no answer is none to keep.
      if (error instanceof AccessUnavailable) this.#known.delete(token.hash);
    });
    return asking;
  }

  async #review(token: BearerToken): Promise<KubernetesUser> {
    const isForController = token.claimedAudiences.includes(CONTROLLER_AUDIENCE);
    if (!isForController && !this.#config.acceptApiServerTokens) {
      throw unauthenticated("authentication.audience", `the token's audience is not ${CONTROLLER_AUDIENCE}`);
    }
    const spec = { token: token.text, ...(isForController ? { audiences: [CONTROLLER_AUDIENCE] } : {}) };
    const { status } = await this.#ask({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec });
    const name = status.user?.username;
    if (status.authenticated !== true || name === undefined) throw unauthenticated("authentication.rejected", "the API server does not know this token");
    // An API server that does not know audiences leaves the list out: then the token may be meant for anybody.
    if (isForController && status.audiences?.includes(CONTROLLER_AUDIENCE) !== true) {
      throw unauthenticated("authentication.audience", "the API server does not vouch for the audience");
    }
    const nodes = status.user?.extra?.[NODE_EXTRA] ?? [];
    return { name, groups: status.user?.groups ?? [], isForController, node: nodes.length === 1 ? nodes[0] ?? null : null };
  }

  async #ask(review: object): Promise<z.output<typeof reviewed>> {
    try {
      return reviewed.parse(await this.#kube.post(PATH, review, AbortSignal.timeout(this.#config.reviewTimeoutMs)));
    } catch (cause) {
      throw new AccessUnavailable("the API server did not review the token", { cause });
    }
  }
}
