import * as z from "zod";
import { PROXY_AUDIENCE } from "../../common/identity.ts";

/** Asymmetric only: whoever may check a token must not be able to make one. */
const TOKEN_ALGORITHMS = ["ES256", "RS256", "EdDSA"] as const;

const issuer = z.strictObject({
  kind: z.enum(["local", "kubernetes"]).describe("`kubernetes`: projected service-account tokens, bound to the pod's address. `local`: keys of a Weir on this machine."),
  issuer: z.string().min(1).max(512).optional().describe("The token's `iss`, exactly; default for `kubernetes`: what the cluster says of itself."),
  audience: z.string().min(1).max(253).default(PROXY_AUDIENCE).describe("The token's `aud` must contain this."),
  algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).default(["ES256", "RS256"]).describe("Signature algorithms accepted of this issuer."),
  jwksFile: z.string().optional().describe("Path of the issuer's public keys, a JSON Web Key Set; read again when it may have changed."),
  jwksUrl: z.url({ protocol: /^https$/ }).optional().describe("HTTPS address of the issuer's public keys; redirects are not followed. Default for `kubernetes`: the cluster's own keys, by its API."),
}).superRefine(({ kind, issuer: name, jwksFile, jwksUrl }, context) => {
  const complain = (key: string, message: string) => { context.addIssue({ code: "custom", path: [key], message }); };
  if (jwksFile !== undefined && jwksUrl !== undefined) complain("jwksFile", "jwksFile and jwksUrl exclude each other; keep one");
  if (kind === "kubernetes") return;
  if (name === undefined) complain("issuer", "is required");
  if (jwksFile === undefined && jwksUrl === undefined) complain("jwksFile", "give exactly one of jwksFile and jwksUrl");
});

/** Trusted by a node proxy of a cluster if no issuer of that kind is configured. */
export const CLUSTER_ISSUER = issuer.parse({ kind: "kubernetes" });

export const identityConfig = z.strictObject({
  issuers: z.array(issuer).max(16).default([]).describe("Who may issue identity tokens, besides the issuer of this run or service."),
  leewaySeconds: z.number().min(0).max(5).default(2).describe("How far an issuer's clock may be ahead, in seconds. Expiry has no leeway."),
  maxTokenLifetimeMs: z.number().int().min(60_000).default(86_400_000).describe("Longest time between a token's issue and its expiry, in milliseconds."),
  keysRefreshMs: z.number().int().min(1_000).default(300_000).describe("Age at which an issuer's public keys are read again, in milliseconds."),
  keysCooldownMs: z.number().int().min(1_000).default(10_000).describe("Shortest time between two reads of an issuer's keys, whatever key ids tokens name, in milliseconds."),
  cacheEntries: z.number().int().min(1).max(1_000_000).default(4_096).describe("Tokens whose signature check is remembered, for at most one `keysRefreshMs`."),
});
export type IdentityConfig = z.output<typeof identityConfig>;
