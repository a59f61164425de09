import * as z from "zod";

export const tlsConfig = z.strictObject({
  caCertFile: z.string().optional().describe("PEM of an own CA certificate for interception (ECDSA P-256, P-384 or RSA); by default one is made in the state directory."),
  caKeyFile: z.string().optional().describe("Path of that CA's private key, PEM (PKCS#8 or SEC 1), mode 0600."),
  leafLifetimeMs: z.number().int().min(600_000).max(30 * 86_400_000).default(86_400_000).describe("How long a minted certificate is valid, in milliseconds; it is renewed at half of that."),
  leafBackdateMs: z.number().int().min(0).max(86_400_000).default(3_600_000).describe("How far a minted certificate's start lies in the past, for agents with a slow clock, in milliseconds."),
  contextCacheEntries: z.number().int().min(1).max(100_000).default(1_024).describe("Certificates kept ready, about 21 KB each."),
}).refine((value) => (value.caCertFile === undefined) === (value.caKeyFile === undefined), { error: "caCertFile and caKeyFile come together", path: ["caKeyFile"] });
export type TlsConfig = z.output<typeof tlsConfig>;
