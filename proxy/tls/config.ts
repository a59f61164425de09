import * as z from "zod";

export const tlsConfig = z.strictObject({
  caCertFile: z.string().optional().describe("PEM of an own CA certificate for interception (ECDSA P-256, P-384 or RSA); by default one is made in the state directory."),
  caKeyFile: z.string().optional().describe("Path of that CA's private key, PEM (PKCS#8 or SEC 1), mode 0600."),
  intermediate: z.strictObject({
    mount: z.string().max(256).regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, "not a mount path").default("pki").describe("Where the PKI engine is mounted."),
    issuer: z.string().max(256).regex(/^[A-Za-z0-9_-]+$/, "not the name of an issuer").optional().describe("Name or id of the issuer that signs; without it the default one."),
    commonName: z.string().min(1).max(64).regex(/^[A-Za-z0-9 ._-]+$/, "not a common name").default("Weir interception CA").describe("Name on the certificate."),
    lifetimeMs: z.number().int().min(3_600_000).max(10 * 365 * 86_400_000).default(30 * 86_400_000).describe("How long a certificate is asked for, in milliseconds; the next one is asked for after two thirds of that."),
  }).optional().describe("Has the CA for interception signed by the PKI engine of `credentials.vault`, instead of one that signs itself: agents trust the engine's root. The key is made here and never leaves. See docs/vault.md."),
  leafLifetimeMs: z.number().int().min(600_000).max(30 * 86_400_000).default(86_400_000).describe("How long a minted certificate is valid, in milliseconds; it is renewed at half of that."),
  leafBackdateMs: z.number().int().min(0).max(86_400_000).default(3_600_000).describe("How far a minted certificate's start lies in the past, for agents with a slow clock, in milliseconds."),
  contextCacheEntries: z.number().int().min(1).max(100_000).default(1_024).describe("Certificates kept ready, about 21 KB each."),
}).refine((value) => (value.caCertFile === undefined) === (value.caKeyFile === undefined), { error: "caCertFile and caKeyFile come together", path: ["caKeyFile"] })
  .refine((value) => value.intermediate === undefined || value.caCertFile === undefined, { error: "give one of intermediate and caCertFile", path: ["intermediate"] });
export type TlsConfig = z.output<typeof tlsConfig>;
