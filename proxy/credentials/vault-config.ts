import * as z from "zod";

/** Plain HTTP carries the token in the clear: only where nobody is in between. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function isAcceptable(address: string): boolean {
  const url = URL.parse(address);
  if (url === null) return false;
  const isBare = url.username === "" && url.password === "" && url.pathname === "/" && url.search === "" && url.hash === "";
  return isBare && (url.protocol === "https:" || LOOPBACK.test(url.hostname));
}

export const vaultConfig = z.strictObject({
  address: z.url({ protocol: /^https?$/ }).refine(isAcceptable, "must be https://HOST:PORT without a path; http:// is accepted for loopback only")
    .describe("Address of Vault or OpenBao. Redirects are not followed: name the active node or a load balancer."),
  tokenFile: z.string().min(1).describe("Path of a file of mode 0600 with the token; read for each fetch, so that an agent beside the proxy may rotate it."),
  namespace: z.string().regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*\/?$/, "not a namespace path").optional().describe("Namespace of all mounts, sent as X-Vault-Namespace."),
  caFile: z.string().min(1).optional().describe("PEM file of the only CAs trusted for this address; without it the system's are."),
  timeoutMs: z.number().int().min(100).max(60_000).default(3_000).describe("Time for one request, from connecting to the last byte, in milliseconds."),
});
export type VaultConfig = z.output<typeof vaultConfig>;
