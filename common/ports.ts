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
