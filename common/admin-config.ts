import { isIP } from "node:net";
import * as z from "zod";

const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]):/;
/** What is served is for probes and scrapers, never for an agent: elsewhere than on loopback only if the operator says so in so many words. */
const address = z.string().refine(isAddressAndPort, "must be an address and a port, like 127.0.0.1:15090");

export const adminConfig = z.strictObject({
  address: address.optional()
    .describe("Where /healthz, /readyz and /metrics are served, `address:port`; port 0 takes any. `weir up` uses 127.0.0.1:15090, `weir run` none."),
  fromNetwork: z.boolean().default(false)
    .describe("Let `address` be another than loopback, as in a pod, whose probes and scrapers come from outside it. Agents must be kept away by other means."),
  requestTimeoutMs: z.number().int().min(100).max(60_000).default(5_000).describe("Time for one request to arrive and be answered, in milliseconds."),
  maxConnections: z.number().int().min(1).max(1_024).default(32).describe("Most open connections; more are closed at once."),
}).refine((section) => section.address === undefined || section.fromNetwork || LOOPBACK.test(section.address), {
  error: "must be a loopback address and a port, like 127.0.0.1:15090, unless `fromNetwork` is set", path: ["address"],
});
export type AdminConfig = z.output<typeof adminConfig>;

function isAddressAndPort(text: string): boolean {
  const [, v6, v4, port = ""] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  return isIP(v6 ?? v4 ?? "") === (v6 === undefined ? 4 : 6) && Number(port) <= 65_535;
}
