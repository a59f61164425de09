import { isIP } from "node:net";
import * as z from "zod";
import { readRange } from "../../common/address-range.ts";

const address = z.string().refine((text) => isIP(text) !== 0 && !text.includes("%"), "must be an IPv4 or IPv6 address without zone");
const port = z.number().int().min(1).max(65_535);
const cidr = z.string().refine((text) => readRange(text) !== null, "must be an address range, such as 10.0.0.0/8");
const nameOrAddress = z.string().min(1).max(253).regex(/^[a-z0-9_.:-]+$/, "must be a lower-case name or an address");

const milliseconds = (least: number, most: number) => z.number().int().min(least).max(most);

const routeConfig = z.strictObject({
  name: nameOrAddress.describe("Destination that the route is for, as policy names it."),
  port: port.describe("Port of the destination that the route is for, as the agent dials it."),
  address: address.describe("Address that is dialled instead of resolving the name; no address class check is made."),
  dialPort: port.describe("Port that is dialled at `address`."),
});

export const upstreamConfig = z.strictObject({
  resolvers: z.array(z.string().min(1)).max(8).default([])
    .describe("DNS servers for real destinations, `address` or `address:port` (`[v6]:port`); empty means the servers of /etc/resolv.conf."),
  resolveTimeoutMs: milliseconds(50, 30_000).default(1_000)
    .describe("Time for one DNS server to answer the first time it is asked, in milliseconds; each further try gets twice as long."),
  resolveTries: z.number().int().min(1).max(5).default(2).describe("How often each DNS server is asked."),
  staleAnswerMs: milliseconds(0, 30_000).default(30_000)
    .describe("How long an expired DNS answer may still be used while no DNS server answers, in milliseconds."),
  connectTimeoutMs: milliseconds(50, 60_000).default(5_000)
    .describe("Time to resolve, connect and finish TLS with a destination, in milliseconds."),
  headersTimeoutMs: milliseconds(100, 3_600_000).default(600_000)
    .describe("Time from the end of a request to the head of its answer, in milliseconds; models think for minutes."),
  bodyTimeoutMs: milliseconds(100, 3_600_000).default(300_000).describe("Longest silence inside an answer's body, in milliseconds."),
  idleTimeoutMs: milliseconds(100, 600_000).default(15_000).describe("How long an unused connection to a destination is kept, in milliseconds."),
  maxHeadBytes: z.number().int().min(1_024).max(1 << 20).default(64 * 1024).describe("Largest answer head accepted, in bytes."),
  maxConnectionsPerOrigin: z.number().int().min(1).max(4_096).default(256)
    .describe("Concurrent requests (HTTP/1.1: connections) of one agent instance to one origin."),
  maxPools: z.number().int().min(1).max(100_000).default(2_048).describe("Pairs of agent instance and origin with kept connections."),
  routes: z.array(routeConfig).max(1_024).default([]).describe("Destinations that the operator pins to an address, past DNS and the address class check."),
  allowAddresses: z.array(cidr).max(256).default([])
    .describe("Private ranges that names may resolve to. Loopback, metadata and the proxy's own addresses stay closed."),
  clusterCidrs: z.array(cidr).max(256).default([]).describe("Ranges of pods, services and nodes, closed in addition to the special-purpose ranges."),
  extraCaFiles: z.array(z.string().min(1)).max(32).default([]).describe("PEM files with roots that are trusted beside those of the system."),
});
export type UpstreamConfig = z.output<typeof upstreamConfig>;
export type Route = z.output<typeof routeConfig>;
