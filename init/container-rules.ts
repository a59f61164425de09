/**
 * in: PodConfig · out: the rules that tell containers of one pod apart · ends early with: nothing (pure) · next: rules.ts
 *
 * Containers of a pod share its network but not its users: whoever opened a socket is known to the kernel (`meta skuid`), and a container
 * without CAP_SETUID cannot become somebody else. Connections of such a container are turned to a pair of ports of its own.
 */
import { IDENTITY_CONTAINERS_LIMIT } from "../common/labels.ts";
import { containerPorts } from "../common/ports.ts";
import type { IdentityContainer, PodConfig } from "./config.ts";
import type { Rule } from "./rules.ts";

/** Before the rules that turn everybody else to the agent's pair of ports. */
export function containerCapture(config: PodConfig): Rule[] {
  return eachDoor(config).flatMap(({ name, uid, tcpPort, dnsPort }): Rule[] => [
    { match: `meta skuid ${uid} udp dport 53`, action: `redirect to :${dnsPort}`, name: `DNS datagrams of ${name}` },
    { match: `meta skuid ${uid} meta l4proto tcp`, action: `redirect to :${tcpPort}`, name: `every connection of ${name}` },
  ]);
}

/**
 * To a container's pair of ports gets only what a rule turned there (`ct status dnat`) and what that uid sent. Asked of each datagram, because
 * a later one of another sender could go by the same entry of conntrack; of TCP asked of the packet that opens a connection, because some of the later
 * ones are the kernel's own and have no sender. The agent's pair is closed to these uids likewise.
 */
export function containerGuards(config: PodConfig): Rule[] {
  const doors = eachDoor(config);
  if (doors.length === 0) return [];
  const all = { tcp: range(config.sidecarTcpPort), udp: range(config.sidecarDnsPort) };
  // One uid alone without braces: nft lists a set of one in that way, and the rules are compared with what it lists.
  const uids = doors.map(({ uid }) => uid).join(", ");
  const anyUid = doors.length === 1 ? uids : `{ ${uids} }`;
  return [
    ...doors.flatMap(({ name, uid, tcpPort, dnsPort }): Rule[] => [
      { match: `fib daddr type local tcp dport ${tcpPort} meta skuid ${uid} ct status dnat`, action: "accept", name: `connections of ${name}` },
      { match: `fib daddr type local udp dport ${dnsPort} meta skuid ${uid} ct status dnat`, action: "accept", name: `DNS of ${name}` },
    ]),
    { match: `fib daddr type local tcp dport ${all.tcp} tcp flags & (syn | ack) != syn`, action: "accept", name: "within connections of containers" },
    { match: `fib daddr type local tcp dport ${all.tcp}`, action: "reject with tcp reset", name: "ports of containers" },
    { match: `fib daddr type local udp dport ${all.udp}`, action: "reject with icmpx type port-unreachable", name: "DNS ports of containers" },
    { match: `fib daddr type local tcp dport ${config.sidecarTcpPort} meta skuid ${anyUid}`, action: "reject with tcp reset", name: "the agent's port, for containers" },
    { match: `fib daddr type local udp dport ${config.sidecarDnsPort} meta skuid ${anyUid}`, action: "reject with icmpx type port-unreachable", name: "the agent's DNS port, for containers" },
  ];
}

interface Door extends IdentityContainer {
  readonly tcpPort: number;
  readonly dnsPort: number;
}

function eachDoor(config: PodConfig): Door[] {
  const base = { tcpPort: config.sidecarTcpPort, dnsPort: config.sidecarDnsPort };
  return config.containers.map((container, index) => ({ ...container, ...containerPorts(base, index) }));
}

/** All pairs that there can be: a port that nobody listens on today must not be one that anybody may take tomorrow. */
function range(base: number): string {
  return `${base + 1}-${base + IDENTITY_CONTAINERS_LIMIT}`;
}
