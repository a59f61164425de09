import * as z from "zod";

const ID = z.string().max(128).regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "letters, digits, dots, hyphens and underscores");
const PEM_LIMIT = 16 * 1_024;

const publicKey = z.strictObject({
  key: z.string().min(1).max(PEM_LIMIT).optional().describe("The public key itself, in PEM."),
  keyFile: z.string().min(1).optional().describe("Path of a file with the public key in PEM, as `weir policy keygen` writes it."),
}).refine(({ key, keyFile }) => (key === undefined) !== (keyFile === undefined), "give key or keyFile, one of them");

export const verificationConfig = z.strictObject({
  keys: z.record(ID, publicKey).refine((keys) => Object.keys(keys).length >= 1 && Object.keys(keys).length <= 16, "name 1 to 16 keys")
    .describe("Public keys by ID: Ed25519, P-256, or RSA of 2048 bits or more. A bundle has to be signed by one of them; several at a time are how keys are changed."),
  scope: z.string().min(1).max(200).optional().describe("What the signature must be for, word by word (OPA's `scope`); without it, it must name none."),
});
export type VerificationConfig = z.output<typeof verificationConfig>;

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Without TLS the token is anybody's who listens, and so is the power to keep a new policy away. */
function isSafe(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.search !== "" || url.hash !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
}

export const serviceConfig = z.strictObject({
  url: z.string().max(2_000).refine(isSafe, "must be an https URL without user, query and fragment; http only to this machine itself")
    .describe("Where the server is that bundles are fetched from (OPA's bundle API), such as `https://bundles.example.com/weir/`."),
  resource: z.string().max(500).regex(/^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)*$/, "must be a relative path")
    .refine((path) => !path.split("/").some((part) => part === "." || part === ".."), "must not lead upwards")
    .default("bundle.tar.gz").describe("Path of the bundle below `url`."),
  tokenFile: z.string().min(1).optional().describe("Path of a file with a bearer token; read again for each request."),
  caFile: z.string().min(1).optional().describe("PEM file with the roots that may vouch for the server; default: the public roots."),
  certificateFile: z.string().min(1).optional().describe("PEM file with our own certificate, for mutual TLS."),
  keyFile: z.string().min(1).optional().describe("PEM file with the key of that certificate."),
  pollIntervalMs: z.number().int().min(100).max(86_400_000).default(30_000).describe("How often the server is asked for something new, in milliseconds, give or take a tenth."),
  maxBackoffMs: z.number().int().min(100).max(86_400_000).default(300_000).describe("Longest wait while the server fails, in milliseconds; waits double up to it."),
  timeoutMs: z.number().int().min(100).max(600_000).default(30_000).describe("Longest time for one answer, its body included, in milliseconds."),
});
export type ServiceConfig = z.output<typeof serviceConfig>;
