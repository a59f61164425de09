import * as z from "zod";
import { LIST_SET, rules } from "./structural.ts";

const key = z.string().min(1).max(128);
const keyOf = (what: string) => key.optional().describe(`Key of ${what}.`);
const url = z.string().max(1_024).regex(/^https:\/\/[^\s@?#]+$/, "must be an https URL");
const timeoutMs = z.int().min(100).max(60_000).optional().describe("Time for one request, in milliseconds.");

const role = z.string().min(1).max(128).regex(/^[A-Za-z0-9_-]+$/, "must be letters, digits, _ and -")
  .describe("Name of the role, behind the prefix that the installation gives the roles of this namespace.");

const vault = z.strictObject({
  path: z.string().min(1).max(512).describe("Path of the secret in the KV v2 mount, below the prefix that the installation gives this namespace."),
  key: key.optional().describe("Key inside the secret."),
  keys: z.strictObject({
    username: keyOf("the user's name"), password: keyOf("the password"), accessKeyId: keyOf("the access key's id"), secretAccessKey: keyOf("the secret access key"),
    sessionToken: keyOf("the session's token"), certificate: keyOf("the client certificate, PEM"), privateKey: keyOf("its private key, PEM"),
  }).optional().describe("In place of `key`, where a credential has several values: the key of each."),
}).meta(rules(["has(self.key) != has(self.keys)", "give exactly one of key and keys"]));

const kubernetesSecret = z.strictObject({
  name: z.string().min(1).max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/).describe("Name of a Secret of this namespace that the installation lets the node proxies read."),
  key: z.string().min(1).max(253).regex(/^[A-Za-z0-9._-]+$/).describe("Key inside the Secret."),
});

/** Where a single value is, by which a token is got. */
const keySource = z.strictObject({
  vault: z.strictObject({
    path: z.string().min(1).max(512).describe("Path of the secret in the KV v2 mount, below the prefix of this namespace."),
    key: key.describe("Key inside the secret."),
  }).optional().describe("A secret in Vault or OpenBao, KV version 2."),
  kubernetesSecret: kubernetesSecret.optional().describe("A key of a Secret of this namespace."),
}).meta(rules(["has(self.vault) != has(self.kubernetesSecret)", "give exactly one of vault and kubernetesSecret"]));
export type KeySource = z.output<typeof keySource>;

const LEVEL = z.enum(["read", "write", "admin"]);
const PERMISSIONS = "self.size() > 0 && self.all(name, name.matches('^[a-z_]{1,64}$'))";

/** Where a credential is, or what makes it; exactly one. The fields are those of the proxy's configuration, less what another namespace's could be reached by. */
export const grantSources = {
  vault: vault.optional().describe("A secret in Vault or OpenBao, KV version 2."),
  kubernetesSecret: kubernetesSecret.optional().describe("A key of a Secret of this namespace."),
  githubApp: z.strictObject({
    clientId: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/).describe("Client id of the App, or its numeric id."),
    installationId: z.int().min(1).describe("Number of the installation."),
    key: keySource.describe("Where the App's private key is."),
    repositories: z.array(z.string().max(100)).min(1).max(500).meta(LIST_SET).describe("Names of the only repositories that tokens are good for."),
    permissions: z.record(z.string(), LEVEL).meta({ maxProperties: 64, ...rules([PERMISSIONS, "must be permissions of GitHub, such as contents"]) })
      .describe("All that tokens may do, such as `contents: read`."),
    apiUrl: url.optional().describe("The API; default GitHub's own."),
    timeoutMs,
  }).optional().describe("Tokens of a GitHub App's installation, one for each instance, narrowed to this."),
  oauth2: z.strictObject({
    tokenEndpoint: url.describe("Where tokens are got, by client credentials."),
    clientId: z.string().min(1).max(256).describe("The client that the server knows."),
    clientSecret: keySource.describe("Where its secret is."),
    clientAuth: z.enum(["basic", "post"]).optional().describe("How the secret is shown; default `basic`."),
    scopes: z.array(z.string().max(256)).max(64).optional().meta(LIST_SET).describe("What tokens are asked to be good for."),
    audience: z.string().min(1).max(1_024).optional().describe("Sent as `audience`."),
    revocationEndpoint: url.optional().describe("Where tokens are taken back; then each instance has its own."),
    timeoutMs,
  }).optional().describe("Access tokens of an OAuth 2.0 server."),
  gcpServiceAccount: z.strictObject({
    key: keySource.describe("Where the key file (JSON) is."),
    scopes: z.array(z.string().max(256)).min(1).max(32).meta(LIST_SET).describe("All that tokens are good for."),
    timeoutMs,
  }).optional().describe("Access tokens of a service account of Google Cloud."),
  vaultDatabase: z.strictObject({
    role, static: z.boolean().optional().describe("A static role: one user whose password the engine changes, for all instances."),
  }).optional().describe("A database user for each instance, by Vault's database engine."),
  vaultAws: z.strictObject({
    role,
    sts: z.boolean().optional().describe("A temporary session instead of an access key."),
    ttlSeconds: z.int().min(900).max(43_200).optional().describe("With `sts`: length of the session, in seconds."),
  }).optional().describe("Keys of AWS for each instance, by Vault's AWS engine."),
  vaultIdentityToken: z.strictObject({ role }).optional().describe("A JWT that Vault signs."),
  vaultKubernetes: z.strictObject({ role }).optional().describe("A service-account token of this namespace's name in another cluster, by Vault's Kubernetes engine."),
  vaultPki: z.strictObject({
    role,
    commonName: z.string().min(1).max(64).describe("Name on the certificate; `{namespace}` and `{agent}` stand for the agent's."),
    ttlSeconds: z.int().min(60).max(31_536_000).optional().describe("How long it is valid, in seconds."),
  }).optional().describe("A client certificate for each instance, by Vault's PKI engine."),
};

/** CEL: one of them, and no other. */
export const ONE_SOURCE = {
  rule: `[${Object.keys(grantSources).map((name) => `has(self.${name})`).join(", ")}].filter(given, given).size() == 1`,
  message: `give exactly one of ${Object.keys(grantSources).join(", ")}`,
};
