/**
 * in: RulesConfig · out: the rule set as nft text · ends early with: nothing (pure) · next: apply.ts
 *
 * The rules that turn every connection of the namespace to the sidecar and let nothing else out. They are for capture; the boundary
 * itself stands outside the namespace, so that each layer fails closed alone.
 */
import { isIPv4 } from "node:net";
import { IDENTITY_CONTAINERS_LIMIT } from "../common/labels.ts";
import { unreachable } from "../common/unreachable.ts";
import { containerCapture, containerGuards } from "./container-rules.ts";
import type { PodConfig, RulesConfig } from "./config.ts";

export const TABLE = "weir";

/** Conntrack mark of connections that somebody outside opened into the pod: only their replies may leave. */
const INBOUND_MARK = "0x5e";

const NEIGHBOUR_DISCOVERY = "{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report }";

/** What happens to a packet that matches, as nft writes it. */
export type Action = "accept" | "drop" | "return" | `redirect to :${number}` | `reject with ${string}` | `ct mark set ${string} accept`;

/** One rule; `name` is its comment in the kernel, by which it is found again when the rules are read back. An empty match is every packet. */
export interface Rule {
  readonly match: string;
  readonly action: Action;
  readonly name: string;
}

export interface Chain {
  readonly name: string;
  readonly type: "filter" | "nat";
  readonly hook: "output" | "input" | "postrouting" | "forward";
  readonly priority: number;
  readonly policy: "accept" | "drop";
  readonly rules: readonly Rule[];
}

/** The whole rule set as data: what {@link renderRules} writes and what `read-back.ts` compares the kernel with. */
export function planRules(config: RulesConfig): readonly Chain[] {
  return [sanity(config), capture(config), outgoing(config), incoming(config), lastGate(config), forwarding];
}

/**
 * One nft transaction for IPv4 and IPv6 that replaces the table as a whole: at no instant are there half the rules or none.
 * The first line makes the second one valid on a fresh kernel.
 */
export function renderRules(chains: readonly Chain[]): string {
  return [`table inet ${TABLE}`, `delete table inet ${TABLE}`, `table inet ${TABLE} {`, ...chains.map((chain) => renderChain(chain)), "}", ""].join("\n");
}

function renderChain(chain: Chain): string {
  const rules = chain.rules.map((rule) => `    ${renderRule(rule)}`);
  return [`  chain ${chain.name} {`, `    type ${chain.type} hook ${chain.hook} priority ${chain.priority}; policy ${chain.policy};`, ...rules, "  }"].join("\n");
}

function renderRule(rule: Rule): string {
  const isRefusal = rule.action === "drop" || rule.action.startsWith("reject");
  return [rule.match, isRefusal ? "counter" : "", rule.action, `comment "${rule.name}"`].filter((part) => part !== "").join(" ");
}

/** Before conntrack and NAT: no invented source addresses (IP_FREEBIND), no source routing. */
function sanity(config: RulesConfig): Chain {
  const neighbours: Rule[] = config.mode === "pod" ? [{ match: `meta nfproto ipv6 icmpv6 type ${NEIGHBOUR_DISCOVERY}`, action: "accept", name: "neighbour discovery" }] : [];
  return {
    name: "sanity", type: "filter", hook: "output", priority: -300, policy: "accept",
    rules: [
      ...neighbours,
      { match: "fib saddr type != local", action: "drop", name: "source address is not ours" },
      { match: "ip hdrlength > 5", action: "drop", name: "IPv4 options" },
      { match: "exthdr rt exists", action: "drop", name: "IPv6 routing header" },
      { match: "exthdr mh exists", action: "drop", name: "IPv6 mobility header" },
    ],
  };
}

function capture(config: RulesConfig): Chain {
  return {
    name: "capture", type: "nat", hook: "output", priority: -100, policy: "accept",
    rules: [
      { match: "fib daddr type local", action: "return", name: "stays inside" },
      ...toProxy(config).map((match): Rule => ({ match: `${match}${bySidecar(config)}`, action: "return", name: "node proxy" })),
      ...(config.mode === "pod" ? containerCapture(config) : []),
      { match: "udp dport 53", action: `redirect to :${config.sidecarDnsPort}`, name: "DNS datagrams" },
      { match: "meta l4proto tcp", action: `redirect to :${config.sidecarTcpPort}`, name: "every connection" },
    ],
  };
}

/**
 * What may leave. A redirected packet already has a local destination here although its output device is still the old one, so the
 * test is on the address. Refused at once rather than dropped: a client that hears "no" falls back, one that hears nothing hangs.
 */
function outgoing(config: RulesConfig): Chain {
  return {
    name: "outgoing", type: "filter", hook: "output", priority: 0, policy: "drop",
    rules: [
      ...(config.mode === "pod" ? containerGuards(config) : []),
      { match: "fib daddr type local", action: "accept", name: "stays inside" },
      ...leavesPod(config),
      { match: "meta l4proto tcp", action: "reject with tcp reset", name: "TCP that was not captured" },
      { match: "", action: "reject with icmpx type port-unreachable", name: "everything else" },
    ],
  };
}

function incoming(config: RulesConfig): Chain {
  const spare = config.mode === "pod" && config.containers.length > 0 ? IDENTITY_CONTAINERS_LIMIT : 0;
  const upTo = (port: number) => (spare === 0 ? `${port}` : `${port}-${port + spare}`);
  const sidecar: Rule[] = [
    { match: `iifname != "lo" tcp dport ${upTo(config.sidecarTcpPort)}`, action: "drop", name: "the sidecar from outside" },
    { match: `iifname != "lo" udp dport ${upTo(config.sidecarDnsPort)}`, action: "drop", name: "the sidecar's DNS from outside" },
  ];
  return {
    name: "incoming", type: "filter", hook: "input", priority: 0, policy: "drop",
    rules: [
      { match: 'iifname "lo"', action: "accept", name: "stays inside" },
      ...sidecar,
      ...(config.mode === "pod" ? entersPod(config) : []),
      { match: "", action: "drop", name: "from outside" },
    ],
  };
}

/** Where the output device is the real one at last: whatever else got here, SO_BINDTODEVICE included, goes no further. */
function lastGate(config: RulesConfig): Chain {
  return {
    name: "last_gate", type: "filter", hook: "postrouting", priority: 0, policy: "drop",
    rules: [
      { match: 'oifname "lo"', action: "accept", name: "stays inside" },
      { match: "fib daddr type local", action: "drop", name: "local destination on a real device" },
      ...leavesPod(config),
      { match: "", action: "drop", name: "leak" },
    ],
  };
}

const forwarding: Chain = {
  name: "forwarding", type: "filter", hook: "forward", priority: 0, policy: "drop",
  rules: [{ match: "", action: "drop", name: "forwarded" }],
};

function leavesPod(config: RulesConfig): Rule[] {
  if (config.mode === "local") return [];
  return [
    { match: `ct direction reply ct mark ${INBOUND_MARK} ct state established,related`, action: "accept", name: "replies to inbound" },
    ...toProxy(config).map((match): Rule => ({ match, action: "accept", name: "node proxy" })),
    { match: `icmpv6 type ${NEIGHBOUR_DISCOVERY} ip6 hoplimit { 1, 255 }`, action: "accept", name: "neighbour discovery" },
  ];
}

function entersPod(config: PodConfig): Rule[] {
  return [
    { match: "ct state established,related", action: "accept", name: "answers" },
    { match: "icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query }", action: "accept", name: "neighbour discovery" },
    ...invited(config).map((match): Rule => ({ match, action: `ct mark set ${INBOUND_MARK} accept`, name: "inbound" })),
  ];
}

function invited({ inbound, inboundFrom }: PodConfig): string[] {
  switch (inbound) {
    case "none": return [];
    case "listed": return inboundFrom.map((from) => `${family(from)} saddr ${from} ct state new`);
    case "any": return ["meta l4proto tcp ct state new"];
    default: return unreachable(inbound);
  }
}

/** The one way out: one address of each family, one port. */
function toProxy(config: RulesConfig): string[] {
  if (config.mode === "local") return [];
  return config.nodeAddresses.map((address) => `${family(address)} daddr ${address} tcp dport ${config.proxyPort}`);
}

/** Others than the sidecar are turned to it like everybody who dials an address: what they say is tagged, decided about and written down. */
function bySidecar(config: RulesConfig): string {
  return config.mode === "pod" && config.sidecarUid !== undefined ? ` meta skuid ${config.sidecarUid}` : "";
}

function family(address: string): "ip" | "ip6" {
  return isIPv4(address) ? "ip" : "ip6";
}
