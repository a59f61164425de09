import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import type { LabAddresses } from "./addresses.ts";
import { BRIDGE } from "./configs.ts";

/** What the rules follow from. */
export interface PolicyWorld {
  readonly policies: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
}

interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"; readonly values?: readonly string[] }[];
}

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface Rule {
  readonly to?: readonly Peer[];
  readonly from?: readonly Peer[];
  readonly ports?: readonly { readonly protocol?: string; readonly port?: number | string; readonly endPort?: number }[];
}

interface PolicySpec {
  readonly podSelector: Selector;
  readonly policyTypes: readonly ("Egress" | "Ingress")[];
  readonly egress?: readonly Rule[];
  readonly ingress?: readonly Rule[];
}

interface RunningPod {
  readonly address: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isolatable: boolean;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
}

type Direction = "Egress" | "Ingress";

const TABLE = "inet lab-policies";

/**
 * NetworkPolicies as one nft transaction. Beyond what the API promises, an address of a pod that has not been seen yet sends nothing: a new
 * pod is not free for the moment that this takes. IPv6 does not leave a pod. Connections that stand are left alone.
 */
export function policyRules(world: PolicyWorld, addresses: LabAddresses): string {
  const pods = world.pods.flatMap((pod) => runningPod(pod));
  const chains = pods.flatMap((pod) => (["Egress", "Ingress"] as const).flatMap((direction) => isolation(world, pods, pod, direction)));
  const jumps = (direction: Direction) => chains.filter((chain) => chain.direction === direction).map(({ jump }) => jump);
  const unknown = pods.length === 0 ? `ip saddr ${addresses.pods} drop` : `ip saddr ${addresses.pods} ip saddr != { ${pods.map(({ address }) => address).join(", ")} } drop`;
  return [
    `table ${TABLE} {}`, `delete table ${TABLE}`, `table ${TABLE} {`,
    ...chains.map(({ text }) => text),
    "chain forward { type filter hook forward priority -10; policy accept;", "meta nfproto ipv6 drop", "ct state established,related accept", unknown, ...jumps("Egress"), ...jumps("Ingress"), "}",
    `chain input { type filter hook input priority -10; policy accept;`, `iifname != "${BRIDGE}" accept`, "meta nfproto ipv6 drop", "ct state established,related accept", unknown, ...jumps("Egress"), "}",
    "}", "",
  ].join("\n");
}

function isolation(world: PolicyWorld, pods: readonly RunningPod[], pod: RunningPod, direction: Direction): { direction: Direction; jump: string; text: string }[] {
  const policies = world.policies.filter(({ metadata, spec }) => metadata.namespace === pod.namespace && pod.isolatable
    && (spec as PolicySpec).policyTypes.includes(direction) && selects((spec as PolicySpec).podSelector, pod.labels));
  if (policies.length === 0) return [];
  const allowed = policies.flatMap(({ spec }) => (direction === "Egress" ? (spec as PolicySpec).egress : (spec as PolicySpec).ingress) ?? [])
    .flatMap((rule) => matches(rule, { world, pods, pod, direction }));
  const name = `${direction.toLowerCase()}-${pod.address.replaceAll(".", "-")}`;
  const side = direction === "Egress" ? "saddr" : "daddr";
  return [{ direction, jump: `ip ${side} ${pod.address} jump ${name}`, text: `chain ${name} {\n${[...allowed.map((match) => `${match} return`), "drop"].join("\n")}\n}` }];
}

interface Scope {
  readonly world: PolicyWorld;
  readonly pods: readonly RunningPod[];
  readonly pod: RunningPod;
  readonly direction: Direction;
}

/** A match of nft for each pair of peer and port that a rule allows. */
function matches(rule: Rule, scope: Scope): string[] {
  const peers = (scope.direction === "Egress" ? rule.to : rule.from) ?? [];
  const side = scope.direction === "Egress" ? "daddr" : "saddr";
  const places = peers.length === 0 ? [{ match: "meta nfproto ipv4", pod: null }] : peers.flatMap((peer) => placesOf(peer, side, scope));
  // Ports are those of the pod that is reached.
  return places.flatMap(({ match, pod }) => portsOf(rule, scope.direction === "Egress" ? pod : scope.pod).map((port) => `${match} ${port}`));
}

function placesOf(peer: Peer, side: string, { world, pods, pod }: Scope): { match: string; pod: RunningPod | null }[] {
  if (peer.ipBlock !== undefined) {
    const except = (peer.ipBlock.except ?? []).map((cidr) => `ip ${side} != ${cidr}`);
    return [{ match: [`ip ${side} ${peer.ipBlock.cidr}`, ...except].join(" "), pod: null }];
  }
  const { podSelector = {}, namespaceSelector } = peer;
  const namespaces = namespaceSelector === undefined ? [pod.namespace]
    : world.namespaces.filter(({ metadata }) => selects(namespaceSelector, metadata.labels ?? {})).map(({ metadata }) => metadata.name);
  return pods.filter((each) => namespaces.includes(each.namespace) && selects(podSelector, each.labels)).map((each) => ({ match: `ip ${side} ${each.address}`, pod: each }));
}

/** A port with a name that nobody has allows nothing. */
function portsOf(rule: Rule, target: RunningPod | null): string[] {
  if (rule.ports === undefined || rule.ports.length === 0) return ["counter"];
  return rule.ports.flatMap(({ protocol = "TCP", port, endPort }) => {
    const transport = protocol.toLowerCase();
    if (port === undefined) return [`meta l4proto ${transport}`];
    if (typeof port === "number") return [`${transport} dport ${port}${endPort === undefined ? "" : `-${endPort}`}`];
    return (target?.ports ?? []).filter((each) => each.name === port && (each.protocol ?? "TCP") === protocol).map((each) => `${transport} dport ${each.containerPort}`);
  });
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Readonly<Record<string, string>>): boolean {
  const holds = ({ key, operator, values = [] }: NonNullable<Selector["matchExpressions"]>[number]): boolean => {
    const value = labels[key];
    if (operator === "Exists") return value !== undefined;
    if (operator === "DoesNotExist") return value === undefined;
    const isIn = value !== undefined && values.includes(value);
    return operator === "In" ? isIn : !isIn;
  };
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every(holds);
}

/** A pod that has an address now; one of the host's network has the node's, and no policy is about it. */
function runningPod({ metadata, spec, status }: KubeObject): RunningPod[] {
  const { hostNetwork = false, containers = [], initContainers = [] } = spec as { hostNetwork?: boolean; containers?: readonly { ports?: RunningPod["ports"] }[]; initContainers?: readonly { ports?: RunningPod["ports"] }[] };
  const { podIP, phase } = (status ?? {}) as { podIP?: string; phase?: string };
  if (podIP === undefined || phase === "Succeeded" || phase === "Failed") return [];
  return [{ address: podIP, namespace: metadata.namespace ?? "", labels: metadata.labels ?? {}, isolatable: !hostNetwork, ports: [...initContainers, ...containers].flatMap(({ ports = [] }) => ports) }];
}
