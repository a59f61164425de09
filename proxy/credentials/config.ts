import * as z from "zod";
import { DUMMY_SHAPES } from "../../common/dummy-keys.ts";
import { PLATFORM_NAME } from "../../common/labels.ts";
import { withRecipe } from "./expand-recipe.ts";
import { injectionConfig } from "./injection-config.ts";
import { isPathPattern } from "./path-pattern.ts";
import { environmentReference } from "./providers/environment.ts";
import { execReference } from "./providers/exec.ts";
import { fileReference } from "./providers/file.ts";
import { gcpServiceAccountReference } from "./providers/gcp-service-account.ts";
import { githubAppReference } from "./providers/github-app.ts";
import { identityReference } from "./providers/identity.ts";
import { kubernetesSecretReference } from "./providers/kubernetes-secret.ts";
import { oauth2Reference } from "./providers/oauth2.ts";
import { vaultAwsReference } from "./providers/vault-aws.ts";
import { vaultDatabaseReference } from "./providers/vault-database.ts";
import { vaultIdentityTokenReference } from "./providers/vault-identity-token.ts";
import { vaultKubernetesReference } from "./providers/vault-kubernetes.ts";
import { vaultReference } from "./providers/vault-kv.ts";
import { vaultPkiReference } from "./providers/vault-pki.ts";
import { RECIPES } from "./recipes.ts";
import { vaultConfig } from "./vault/vault-config.ts";

const hostName = z.string().max(253).regex(/^(?=.*[a-z])([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/,
  "must be one exact host name in lower case: no wildcard, no address, no port, no dot at the end");

/** TRACE sends the request back, credential and all (RFC 9110 §9.3.8); CONNECT opens a tunnel that nobody reads. */
const method = z.string().regex(/^[A-Z][A-Z-]{0,31}$/, "must be a method in upper case").refine((name) => name !== "TRACE" && name !== "CONNECT", "never carries a credential");

const reference = z.discriminatedUnion("type", [
  fileReference, environmentReference, execReference, identityReference, kubernetesSecretReference,
  githubAppReference, oauth2Reference, gcpServiceAccountReference,
  vaultReference, vaultDatabaseReference, vaultAwsReference, vaultIdentityTokenReference, vaultKubernetesReference, vaultPkiReference,
]);
export type CredentialReference = z.output<typeof reference>;

const pathPattern = z.string().max(1024).refine(isPathPattern, "must start with `/`; `*` stands for one whole segment, `**` at the end for any rest");

const binding = z.strictObject({
  hosts: z.array(hostName).min(1).max(64).describe("Exact names of the hosts that may receive the credential; always over https."),
  ports: z.array(z.number().int().min(1).max(65_535)).min(1).max(16).default([443]).describe("Ports that may receive it."),
  methods: z.array(method).min(1).max(16).default(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).describe("Request methods that may carry it."),
  paths: z.array(pathPattern).min(1).max(64).default(["/**"]).describe("Paths that may receive it; `*` is one segment, a final `**` any rest."),
  notPaths: z.array(pathPattern).max(64).default([]).describe("Paths of these that may not: those where the destination hands out credentials of its own. In any letter case, with `.json` or the like at the end, too."),
  databases: z.array(z.string().min(1).max(63)).min(1).max(64).optional().describe("For logins of type `postgres`: databases that may be opened, by exact name; `*` is every one of the hosts."),
  users: z.array(z.string().min(1).max(63)).min(1).max(64).optional().describe("For logins of type `postgres`: names that the agent may call itself; left out: any, as the boundary logs in under another."),
});
export type Binding = z.output<typeof binding>;

const dummy = z.union([
  z.enum(DUMMY_SHAPES),
  z.strictObject({ value: z.string().max(4_096).describe("The dummy itself; the agent reads it.") }),
  z.strictObject({ file: z.string().max(4_096).describe("Text of a file that the agent reads; the variable is its path. For clients that take no key from a variable.") }),
], { error: `must be one of ${DUMMY_SHAPES.join(", ")}, {value: TEXT} or {file: TEXT}` });
export type DummyChoice = z.output<typeof dummy>;

const recipe = z.string().max(63).refine((name) => Object.hasOwn(RECIPES, name), { error: `must be one of ${Object.keys(RECIPES).join(", ")}` });

const wholeGrant = z.strictObject({
  use: recipe.optional().describe("A recipe of docs/credentials-recipes.md, which says `inject`, `bind` and `env` of a well-known service; what the grant says itself wins."),
  credential: reference.describe("Where the secret is."),
  inject: injectionConfig.prefault({ type: "header" }).describe("How it is put into a request."),
  bind: binding.describe("The only requests that may carry it."),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "not a variable name"), dummy).default({})
    .describe("Variables of the agent's environment with a dummy key, so that stock clients start: `auto` (by the variable's name), a shape, `{value: TEXT}` or `{file: TEXT}`; never a real secret: the agent reads it."),
}).meta({ /* For schemas of what is written: a recipe may say the rest. */ required: ["credential"] });

const grant = z.preprocess(withRecipe, wholeGrant).refine(({ credential, bind }) => credential.type !== "identity" || bind.hosts.every((host) => host === PLATFORM_NAME), {
  error: `the proxy's own identity is for ${PLATFORM_NAME} alone`, path: ["bind", "hosts"],
}).refine(({ inject, bind }) => (inject.type === "postgres") === (bind.databases !== undefined), {
  error: "a login of type postgres, and nothing else, names its databases", path: ["bind", "databases"],
}).refine(({ inject, bind }) => inject.type === "postgres" || bind.users === undefined, { error: "only a login of type postgres names users", path: ["bind", "users"] })
  .refine(({ inject, env }) => inject.type !== "placeholder" || inject.placeholder !== undefined || Object.keys(env).length > 0, {
    error: "name what is replaced, or set a dummy in `env`", path: ["inject", "placeholder"],
  });
export type Grant = z.output<typeof grant>;

/** Of one machine: a file, a variable, a command. */
const OF_A_MACHINE: ReadonlySet<string> = new Set(["file", "environment", "exec"]);

/** Everything in a reference that says where something is: itself, and the keys that it is got with. */
function placesOf(credential: CredentialReference): readonly { readonly type: string }[] {
  return [credential, ...Object.values(credential).filter((value): value is { readonly type: string } => typeof value === "object" && "type" in value)];
}

/** One grant that the boundary names. What is on the node is nothing that it may reach for; and a refresh token that rotates has one user, not every node. */
export const boundaryGrant = grant
  .refine(({ credential }) => !placesOf(credential).some(({ type }) => OF_A_MACHINE.has(type)) && !("caFile" in credential), {
    error: "must not be of the node: no file, environment or exec, no caFile", path: ["credential"],
  })
  .refine(({ credential }) => credential.type !== "oauth2" || credential.grant === "client-credentials", { error: "must be client-credentials", path: ["credential", "grant"] });

export const grantsConfig = z.record(z.string().regex(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/, "must be a short name in lower case"), grant)
  .superRefine((grants, context) => {
    const owners = new Map<string, readonly [owner: string, text: unknown]>();
    for (const [name, { env }] of Object.entries(grants)) {
      for (const [variable, choice] of Object.entries(env)) {
        const text = typeof choice === "object" ? JSON.stringify(choice) : null;
        const [owner, theirs] = owners.get(variable) ?? [null, null];
        // Two recipes may ask for the same setting; two dummies would each be another one.
        if (owner !== null && (text === null || text !== theirs)) context.addIssue({ code: "custom", path: [name, "env", variable], message: `is already set by grant ${owner}` });
        owners.set(variable, [name, text]);
      }
    }
  })
  .describe("Rights to use a credential, by name; policy says which agent's request gets which.");
export type Grants = z.output<typeof grantsConfig>;

export const credentialsConfig = z.strictObject({
  vault: vaultConfig.optional().describe("Vault or OpenBao, for grants whose type begins with `vault`; see docs/vault.md."),
  cacheTtlMs: z.number().int().min(0).max(3_600_000).default(60_000).describe("Longest time that a fetched secret is used before it is fetched again, in milliseconds, unless its source says for how long it is good. A changed file is noticed at once."),
  failureTtlMs: z.number().int().min(0).max(60_000).default(1_000).describe("Time after a failed fetch in which no other is tried, in milliseconds."),
  fetchTimeoutMs: z.number().int().min(100).max(60_000).default(5_000).describe("Time that a request waits for its credential, all attempts together, in milliseconds."),
  attempts: z.number().int().min(1).max(5).default(2).describe("Attempts for one fetch when the source is sealed, down, slow, rate-limited or unreachable."),
  breakerFaults: z.number().int().min(1).max(100).default(5).describe("Failures of a store in a row (sealed, down, slow, rate-limited, unreachable) after which it is left alone for a moment and requests fail at once."),
  breakerRestMs: z.number().int().min(100).max(60_000).default(5_000).describe("Time that a failing store is left alone, in milliseconds; a random half of it is left out. Then one request tries."),
  revokeTimeoutMs: z.number().int().min(100).max(60_000).default(2_000).describe("Time that the end of an instance, and of the proxy, waits for stores to confirm that leases are taken back, in milliseconds. What is left is tried again, after a restart too."),
  attemptDelayMs: z.number().int().min(0).max(5_000).default(200).describe("Time before the second attempt, in milliseconds, doubled for each further one; a random half of it is left out."),
});
export type CredentialsConfig = z.output<typeof credentialsConfig>;
