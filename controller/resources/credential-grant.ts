import * as z from "zod";
import { conditions, objectMeta } from "./meta.ts";
import { LIST_SET, rules } from "./structural.ts";

/** CEL. */
const VARIABLES = "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]{0,127}$') && !name.startsWith('WEIR_'))";

/** A named right to use a credential at named destinations. The agent never sees the credential. Fields are those of `grants` in the proxy's configuration. */
export const credentialGrantSpec = z.strictObject({
  vault: z.strictObject({
    path: z.string().min(1).max(512).describe("Path of the secret in the KV v2 mount, below the prefix that the installation gives this namespace."),
    key: z.string().min(1).max(128).describe("Key inside the secret."),
  }).describe("Where the secret is."),
  inject: z.strictObject({
    header: z.string().max(128).optional().describe("Header field that is set; default `authorization`."),
    format: z.string().max(256).optional().describe("Value of the field; `{secret}` is replaced. Default `Bearer {secret}`."),
    basicUser: z.string().max(256).optional().describe("If set, HTTP Basic with this user."),
  }).prefault({}).describe("How it is put into a request."),
  bind: z.strictObject({
    hosts: z.array(z.string().max(253)).min(1).max(64).meta(LIST_SET).describe("Exact host names that may receive it."),
    ports: z.array(z.int().min(1).max(65_535)).min(1).max(16).optional().meta(LIST_SET).describe("Ports that may receive it; default 443."),
    methods: z.array(z.string().max(32)).min(1).max(16).optional().meta(LIST_SET).describe("Methods that may carry it; default GET, HEAD, POST, PUT, PATCH, DELETE."),
    paths: z.array(z.string().max(1_024)).min(1).max(64).optional().meta(LIST_SET).describe("Paths that may receive it; `*` is one segment, a final `**` any rest. Default every path."),
  }).describe("The only requests that may carry it."),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(4_096)).default({})
    .meta({ maxProperties: 16, ...rules([VARIABLES, "must be names of variables; those that begin with WEIR_ are Weir's own"]) })
    .describe("Variables of the agent's container with a dummy value, so that stock clients start. `auto` makes one that looks right."),
}).describe("A named right to use a credential at named destinations; the agent never sees the credential.");
export type CredentialGrantSpec = z.output<typeof credentialGrantSpec>;

export const acceptedStatus = z.strictObject({
  observedGeneration: z.int().optional().describe("Generation of the spec that the status speaks of."),
  conditions,
});

export const credentialGrant = z.looseObject({ metadata: objectMeta, spec: credentialGrantSpec, status: acceptedStatus.partial().optional() });
export type CredentialGrant = z.output<typeof credentialGrant>;
