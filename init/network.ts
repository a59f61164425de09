/**
 * in: RulesConfig · out: addresses and routes on `lo` (local mode), port range · ends early with: exit 69 · next: self-check.ts
 *
 * A namespace of `unshare -n` has one device, and that one is down. With a default route through `lo` every destination has a route, so
 * that a connection gets as far as the rules, which turn it to the sidecar. Runs after the rules: at no instant is there a route without them.
 */
import { existsSync, writeFileSync } from "node:fs";
import { IDENTITY_CONTAINERS_LIMIT } from "../common/labels.ts";
import type { RulesConfig } from "./config.ts";
import { runTool } from "./run-tool.ts";

/** The namespace's own addresses, from ranges that no synthetic answer of the proxy's DNS uses. */
const LOCAL_ADDRESS = { v4: "10.255.0.2", v6: "fd00:255::2" } as const;

/** All connections of the pod share one destination; the default range would run out under a fan-out (28,000 ports, half of them used). */
const PORT_RANGE = "1024 65000";

export function setUpNetwork(config: RulesConfig): void {
  if (config.mode === "local") {
    runTool("ip", ["link", "set", "lo", "up"]);
    runTool("ip", ["address", "replace", `${LOCAL_ADDRESS.v4}/32`, "dev", "lo"]);
    runTool("ip", ["route", "replace", "default", "dev", "lo", "src", LOCAL_ADDRESS.v4]);
    if (hasIpv6()) {
      runTool("ip", ["-6", "address", "replace", `${LOCAL_ADDRESS.v6}/128`, "dev", "lo"]);
      runTool("ip", ["-6", "route", "replace", "default", "dev", "lo"]);
    }
  }
  writeIfPermitted("/proc/sys/net/ipv4/ip_local_port_range", PORT_RANGE);
  const reserved = [config.sidecarTcpPort, config.sidecarDnsPort].map((port) => `${port}-${port + IDENTITY_CONTAINERS_LIMIT}`);
  writeIfPermitted("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved.join(","));
}

/** False on a kernel without IPv6: then there is nothing to route and nothing that could leave by it. */
function hasIpv6(): boolean {
  return existsSync("/proc/net/if_inet6");
}

/** Comfort, not safety: in a pod /proc/sys is read-only unless the pod spec sets these. */
function writeIfPermitted(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch {
    // The default range stays.
  }
}
