import * as z from "zod";
import { vaultPath } from "./vault-path.ts";

/** Plain HTTP carries the token in the clear: only where nobody is in between. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function isAcceptable(address: string): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  const isBare = url.username === "" && url.password === "" && url.pathname === "/" && url.search === "" && url.hash === "";
  return isBare && (url.protocol === "https:" || LOOPBACK.test(url.hostname));
}

const tokenFile = z.string().min(1).describe("Path of a file of mode 0600 with the token; read for each request, so that an agent beside the proxy may rotate it.");
const role = z.string().min(1).max(256).describe("Role of the auth method.");

const tokenAuth = z.strictObject({ method: z.literal("token"), tokenFile });

const approleAuth = z.strictObject({
  method: z.literal("approle"),
  mount: vaultPath.default("approle").describe("Where the auth method is mounted, below `auth/`."),
  roleId: z.string().min(1).max(256).optional().describe("The role's id; it opens nothing without the secret id."),
  roleIdFile: z.string().min(1).optional().describe("Path of a file of mode 0600 with the role's id, in place of `roleId`."),
  secretIdFile: z.string().min(1).describe("Path of a file of mode 0600 with the secret id; read for each login."),
}).refine(({ roleId, roleIdFile }) => (roleId === undefined) !== (roleIdFile === undefined), { error: "give one of roleId and roleIdFile", path: ["roleId"] });

const kubernetesAuth = z.strictObject({
  method: z.literal("kubernetes"),
  mount: vaultPath.default("kubernetes").describe("Where the auth method is mounted, below `auth/`."),
  role,
  jwtFile: z.string().min(1).describe("Path of the proxy's own projected service-account token; read for each login."),
});

/** How the proxy logs in as itself. */
const ownAuth = z.discriminatedUnion("method", [tokenAuth, approleAuth, kubernetesAuth]);
export type OwnAuth = z.output<typeof ownAuth>;

const jwtAuth = z.strictObject({
  method: z.literal("jwt"),
  mount: vaultPath.default("jwt").describe("Where the auth method is mounted, below `auth/`."),
  role,
  own: ownAuth.optional().describe("How the proxy logs in for what no agent asks for: taking back what a crashed proxy left, signing checkpoints, a certificate for its CA."),
}).describe("Logs in with the agent's own token, presented by the proxy on its behalf: what a request may read is then Vault's policy for that agent. One client token for each instance, never shared.");
export type JwtAuth = z.output<typeof jwtAuth>;

const auth = z.discriminatedUnion("method", [tokenAuth, approleAuth, kubernetesAuth, jwtAuth]);
export type VaultAuth = z.output<typeof auth>;

export const vaultConfig = z.strictObject({
  address: z.url({ protocol: /^https?$/ }).refine(isAcceptable, "must be https://HOST:PORT without a path; http:// is accepted for loopback only")
    .describe("Address of Vault or OpenBao. Redirects are not followed: name the active node or a load balancer."),
  tokenFile: tokenFile.optional().describe("Short for `auth: {method: token, tokenFile}`: path of a file of mode 0600 with the token; read for each request, so that an agent beside the proxy may rotate it."),
  auth: auth.optional().describe("How to log in, by `method`; in place of `tokenFile`."),
  namespace: z.string().regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*\/?$/, "not a namespace path").optional().describe("Namespace of all mounts, sent as X-Vault-Namespace."),
  caFile: z.string().min(1).optional().describe("PEM file of the only CAs trusted for this address; without it the system's are."),
  timeoutMs: z.number().int().min(100).max(60_000).default(3_000).describe("Time for one request, from connecting to the last byte, in milliseconds."),
}).refine((config) => (config.tokenFile === undefined) !== (config.auth === undefined), { error: "give one of auth and tokenFile", path: ["auth"] });
export type VaultConfig = z.output<typeof vaultConfig>;

/** The auth section, whichever way it was written. */
export function authOf({ auth: given, tokenFile: path }: VaultConfig): VaultAuth {
  return given ?? { method: "token", tokenFile: path ?? "" };
}
