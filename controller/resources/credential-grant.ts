import * as z from "zod";
import { condition, objectMeta } from "./meta.ts";

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
  }).prefault({}),
  bind: z.strictObject({
    hosts: z.array(z.string().max(253)).min(1).max(64).describe("Exact host names that may receive it."),
    ports: z.array(z.int().min(1).max(65_535)).max(16).optional(),
    methods: z.array(z.string().max(32)).max(16).optional(),
    paths: z.array(z.string().max(1_024)).max(64).optional(),
  }).describe("The only requests that may carry it."),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(4_096)).default({})
    .describe("Variables of the agent's container with a dummy value, so that stock clients start. `auto` makes one that looks right."),
});
export type CredentialGrantSpec = z.output<typeof credentialGrantSpec>;

export const acceptedStatus = z.strictObject({ observedGeneration: z.int().optional(), conditions: z.array(condition).max(16).default([]) });

export const credentialGrant = z.looseObject({ metadata: objectMeta, spec: credentialGrantSpec, status: acceptedStatus.partial().optional() });
export type CredentialGrant = z.output<typeof credentialGrant>;
