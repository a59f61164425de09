import { Agent, request } from "undici";
import type { KubeIdentity } from "../../support/kube/cluster-connection.ts";

/** One thing that somebody might do. */
export interface Question {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Empty: all namespaces, or none. */
  readonly namespace: string;
  readonly name: string;
}

export interface Kind {
  readonly group: string;
  readonly resource: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
}

/** Verbs that no kind lists and that RBAC knows all the same: ways to become somebody else or to give oneself more. */
const HIDDEN: readonly Kind[] = [
  ...["clusterroles", "roles"].map((resource) => ({ group: "rbac.authorization.k8s.io", resource, isNamespaced: resource === "roles", verbs: ["bind", "escalate"] })),
  ...["users", "groups"].map((resource) => ({ group: "", resource, isNamespaced: false, verbs: ["impersonate"] })),
  { group: "", resource: "serviceaccounts", isNamespaced: true, verbs: ["impersonate"] },
  { group: "certificates.k8s.io", resource: "signers", isNamespaced: false, verbs: ["approve", "sign"] },
];

const AT_ONCE = 16;
const DEADLINE_MS = 30_000;

/** Asks the API server, over kept connections. */
export class Questioner {
  readonly #identity: KubeIdentity;
  readonly #agent: Agent;

  constructor(identity: KubeIdentity) {
    this.#identity = identity;
    this.#agent = new Agent({ connections: AT_ONCE, connect: { ca: identity.caPem, cert: identity.certPem, key: identity.keyPem } });
  }

  /** Every kind that the server has, subresources too, and what is hidden. */
  async kinds(): Promise<readonly Kind[]> {
    const groups = await this.#call("GET", "/apis") as { groups: { name: string; preferredVersion: { groupVersion: string } }[] };
    const core = await this.#kindsAt("", "/api/v1");
    const others = await Promise.all(groups.groups.map(async ({ name, preferredVersion }) => this.#kindsAt(name, `/apis/${preferredVersion.groupVersion}`)));
    return [...core, ...others.flat(), ...HIDDEN];
  }

  /** SubjectAccessReview for each. @returns those that are allowed */
  async allowed(user: string, groups: readonly string[], questions: readonly Question[]): Promise<readonly Question[]> {
    const found: Question[] = [];
    const left = [...questions];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let question = left.pop(); question !== undefined; question = left.pop()) {
        if (await this.#isAllowed({ user, groups, resourceAttributes: attributesOf(question) })) found.push(question);
      }
    }));
    return found;
  }

  async mayRead(user: string, groups: readonly string[], path: string): Promise<boolean> {
    return this.#isAllowed({ user, groups, nonResourceAttributes: { path, verb: "get" } });
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #isAllowed(spec: object): Promise<boolean> {
    const answer = await this.#call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec });
    return (answer as { status: { allowed: boolean } }).status.allowed;
  }

  async #kindsAt(group: string, path: string): Promise<Kind[]> {
    const { resources } = await this.#call("GET", path) as { resources: { name: string; namespaced: boolean; verbs: string[] }[] };
    return resources.map(({ name, namespaced, verbs }) => ({ group, resource: name, isNamespaced: namespaced, verbs }));
  }

  async #call(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
    const answer = await request(`${this.#identity.url}${path}`, {
      dispatcher: this.#agent, method, signal: AbortSignal.timeout(DEADLINE_MS), ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  }
}

function attributesOf({ group, resource, verb, namespace, name }: Question): object {
  const [plural = "", subresource = ""] = resource.split("/");
  return { group, resource: plural, subresource, verb, namespace, name };
}

/** As one line, for sets and for people. */
export function describeQuestion({ group, resource, verb, namespace, name }: Question): string {
  const where = namespace === "" ? "" : ` in ${namespace}`;
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${name === "" ? "" : ` ${name}`}${where}`;
}
