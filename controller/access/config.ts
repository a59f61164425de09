import * as z from "zod";

/** Kubernetes itself is trusted with names that begin with `system:`; nobody else may make one. */
const prefix = z.string().min(1).max(64).refine((text) => !text.startsWith("system:"), "must not begin with system:");

const subject = z.string().max(320).regex(/^(user|group):.+$/, "must be user:NAME or group:NAME");

const oidcIssuer = z.strictObject({
  issuer: z.url({ protocol: /^https$/ }).max(512).describe("Issuer as it is in the tokens' `iss`; its `/.well-known/openid-configuration` names the keys."),
  audience: z.string().min(1).max(256).describe("Required in the tokens' `aud`."),
  usernameClaim: z.string().min(1).max(64).default("sub").describe("Claim that names the caller."),
  usernamePrefix: prefix.default("oidc:").describe("Put before the name, so that it is nobody else's."),
  groupsClaim: z.string().min(1).max(64).optional().describe("Claim with the caller's groups, a text or a list of texts."),
  groupsPrefix: prefix.default("oidc:").describe("Put before each group."),
  algorithms: z.array(z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"])).min(1).default(["RS256", "ES256"])
    .describe("Signature algorithms that are taken, all of them asymmetric."),
  caFile: z.string().min(1).optional().describe("Path of a PEM file with the roots that vouch for the issuer's server; default the system's."),
});
export type OidcIssuerConfig = z.output<typeof oidcIssuer>;

/** Who callers of the controller are and what they may do. */
export const accessConfig = z.strictObject({
  adminGroups: z.array(z.string().min(1).max(253)).max(16).default(["system:masters"]).describe("Groups whose members may do everything that is for people."),
  defaultParticipants: z.array(subject).max(16).default([])
    .describe("Subjects, `user:NAME` or `group:NAME`, that may open threads on every agent; `group:system:authenticated` is everybody who has a name."),
  nodeProxies: z.array(z.string().min(1).max(320)).min(1).max(8).default(["system:serviceaccount:weir-system:weir-proxy"])
    .describe("User names of the node proxies' service accounts: the only callers who may speak for an instance."),
  acceptApiServerTokens: z.boolean().default(true).describe("Take tokens that are meant for the API server as well, so that people need no other; false leaves those with audience `weir-controller`."),
  tokenCacheMs: z.int().min(0).max(300_000).default(10_000).describe("Time that the API server's word on a token or a right is kept, in milliseconds; it is how long a revoked one may still count."),
  reviewTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe("Time for the API server or an issuer to answer, in milliseconds."),
  oidc: z.array(oidcIssuer).max(16).default([]).describe("Issuers of OpenID Connect whose tokens are taken besides Kubernetes' own."),
});
export type AccessConfig = z.output<typeof accessConfig>;
