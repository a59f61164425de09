import * as z from "zod";

/** A loopback address and port: what is served there is for this machine's probes and scrapers, never for an agent. */
const loopbackAddress = z.string().regex(/^(127(\.\d{1,3}){3}|\[::1\]):\d{1,5}$/, "must be a loopback address and a port, like 127.0.0.1:15090")
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "the port is above 65535");

export const adminConfig = z.strictObject({
  address: loopbackAddress.optional().describe("Where /healthz, /readyz and /metrics are served, `address:port`, loopback only; port 0 takes any. `weir up` uses 127.0.0.1:15090, `weir run` none."),
  requestTimeoutMs: z.number().int().min(100).max(60_000).default(5_000).describe("Time for one request to arrive and be answered, in milliseconds."),
  maxConnections: z.number().int().min(1).max(1_024).default(32).describe("Most open connections; more are closed at once."),
});
export type AdminConfig = z.output<typeof adminConfig>;
