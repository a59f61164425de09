import * as z from "zod";

export const dnsConfig = z.strictObject({});
export type DnsConfig = z.output<typeof dnsConfig>;
