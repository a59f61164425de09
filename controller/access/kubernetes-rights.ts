import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import * as z from "zod";
import type { KubeApi } from "../../common/kube/kube-api.ts";
import { GROUP } from "../../common/labels.ts";
import { AccessUnavailable, type Action, type Person } from "./access.ts";
import type { AccessConfig } from "./config.ts";

const PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const CACHE_ENTRIES = 10_000;

/** SubjectAccessReview's status (authorization.k8s.io/v1); only the literal true allows. */
const reviewed = z.object({ status: z.object({ allowed: z.boolean(), denied: z.boolean().optional() }) });

/** A right of Kubernetes' RBAC, of the group `weir.dev`. */
interface Right {
  readonly resource: "threads" | "budgets";
  readonly verb: "create" | "list" | "update";
}

/** Who may do the like by kubectl is no stranger here. */
const RIGHTS: Readonly<Partial<Record<Action, Right>>> = {
  "budget.read": { resource: "budgets", verb: "list" },
  "budget.adjust": { resource: "budgets", verb: "update" },
};
const TO_CREATE_THREADS: Right = { resource: "threads", verb: "create" };

/** Asks Kubernetes whether its RBAC lets somebody do in a namespace what an action here comes to: read or change Budgets, or else create threads. */
export class KubernetesRights {
  readonly #kube: KubeApi;
  readonly #config: AccessConfig;
  readonly #known: LRUCache<string, Promise<boolean>>;

  constructor(kube: KubeApi, config: AccessConfig, monotonicMs: () => number) {
    this.#kube = kube;
    this.#config = config;
    const [max, ttl] = config.tokenCacheMs === 0 ? [1, 1] : [CACHE_ENTRIES, config.tokenCacheMs];
    this.#known = new LRUCache({ max, ttl, perf: { now: monotonicMs }, ttlResolution: 0 });
  }

  /**
   * False for everybody whom Kubernetes does not know: another issuer's name may look like one of its own.
   * @param namespace empty: the right must hold in all of them @throws AccessUnavailable
   */
  async allows(person: Person, action: Action, namespace: string): Promise<boolean> {
    if (!person.isOfKubernetes) return false;
    const right = RIGHTS[action] ?? TO_CREATE_THREADS;
    const key = createHash("sha256").update(JSON.stringify([person.name, person.groups, right, namespace])).digest("base64");
    const known = this.#known.get(key);
    if (known !== undefined && this.#config.tokenCacheMs > 0) return known;
    const asking = this.#ask(person, right, namespace);
    this.#known.set(key, asking);
    asking.catch(() => { this.#known.delete(key); });
    return asking;
  }

  async #ask(person: Person, { resource, verb }: Right, namespace: string): Promise<boolean> {
    const resourceAttributes = { group: GROUP, version: "v1alpha1", resource, verb, namespace };
    const spec = { user: person.name, groups: person.groups, resourceAttributes };
    const review = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec };
    try {
      const { status } = reviewed.parse(await this.#kube.post(PATH, review, AbortSignal.timeout(this.#config.reviewTimeoutMs)));
      return status.allowed && status.denied !== true;
    } catch (cause) {
      throw new AccessUnavailable("the API server did not say what Kubernetes allows", { cause });
    }
  }
}
