/** The port table (ARCHITECTURE.md). Ports that a pod, the sidecar, the rules and the proxy must agree on. */
export const PORTS = {
  /** Sidecar, TCP, 127.0.0.1 and ::1 only: where the rules redirect every connection. */
  sidecarTcp: 15001,
  /** Sidecar, UDP, 127.0.0.1 and ::1 only: where the rules redirect DNS datagrams. */
  sidecarDns: 15053,
  /** Node proxy, TCP on the node address: tagged connections from sidecars. */
  proxy: 15008,
  /** Node proxy, TCP, loopback of the node: /metrics, /healthz, /readyz. */
  admin: 15090,
} as const;

/**
 * The sidecar's own pair of loopback ports for the container with an identity of its own that has this index (from 0): what arrives there is
 * tagged with the container. Next to the pair of the agent, which is where everybody else is turned to.
 */
export function containerPorts(base: { readonly tcpPort: number; readonly dnsPort: number }, index: number): { readonly tcpPort: number; readonly dnsPort: number } {
  return { tcpPort: base.tcpPort + 1 + index, dnsPort: base.dnsPort + 1 + index };
}
