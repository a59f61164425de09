import type { KubeObject } from "../../common/kube/kube-api.ts";
import { boundaryConfig } from "../../controller/boundary/config.ts";
import { planBoundary, type BoundaryPlan, type PlanSettings } from "../../controller/boundary/plan.ts";
import type { Excluded, RegoVerdicts } from "../../controller/boundary/policies.ts";
import { parsePack } from "../../proxy/policy/parse-pack.ts";
import { readResources, type BoundaryResources } from "../../controller/boundary/resources.ts";

/** Objects as the API server gives them, by `namespace/name`. */
export interface World {
  readonly agents?: Readonly<Record<string, object>>;
  readonly policies?: Readonly<Record<string, object>>;
  readonly grants?: Readonly<Record<string, object>>;
  readonly budgets?: Readonly<Record<string, object>>;
}

export const PLATFORM = { address: "10.96.0.7", port: 8_443 };

export const A_GRANT = { vault: { path: "github", key: "token" }, bind: { hosts: ["api.github.com"] } };
export const A_BUDGET = { meter: "requests", limit: 10 };

/** The packs of this world: one that says where it is, and one level that is told. */
const PACKS = new Map([["chat", parsePack("chat", "chat.yaml", `
chat:
  title: Chat
  about: Rooms.
  source: https://docs.chat.example/
  credentials: {bot: {about: a token}}
  parameters:
    rooms: {about: Rooms, kind: name, example: [a]}
    host: {about: A server of one's own, kind: host, example: [chat.example]}
  levels:
    - {name: read, about: Read rooms, hosts: [{name: chat.test, rule: read, about: read a room, credential: bot, paths: ["/\${rooms}"]}]}
    - {name: own, about: The same of a server of one's own, hosts: [{name: "\${host}", rule: own, about: read a room, credential: bot, paths: ["/\${rooms}"]}]}
`)]]);

function objects(specs: Readonly<Record<string, object>> = {}): { list: () => KubeObject[] } {
  return { list: () => Object.entries(specs).map(([key, spec]) => {
    const [namespace = "", name = ""] = key.split("/");
    return { metadata: { namespace, name, uid: `uid of ${key}`, generation: 1 }, spec };
  }) };
}

export function resourcesOf({ agents, policies, grants, budgets }: World): BoundaryResources {
  return readResources({ agents: objects(agents), egressPolicies: objects(policies), credentialGrants: objects(grants), budgets: objects(budgets) });
}

export function settings(config: object = {}, platform: PlanSettings["platform"] = PLATFORM): PlanSettings & { readonly config: ReturnType<typeof boundaryConfig.parse> } {
  return { config: boundaryConfig.parse(config), platform, packs: PACKS };
}

/** The plan of a world whose Rego, if there is any, was judged like this. */
export function planOf(world: World, verdicts: { readonly rego?: RegoVerdicts; readonly excluded?: Excluded; readonly config?: object } = {}): BoundaryPlan {
  return planBoundary(resourcesOf(world), { rego: verdicts.rego ?? new Map(), excluded: verdicts.excluded ?? new Map() }, settings(verdicts.config));
}
