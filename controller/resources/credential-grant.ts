import * as z from "zod";
import { grantInjection } from "./grant-injection.ts";
import { grantSources, ONE_SOURCE } from "./grant-source.ts";
import { conditions, objectMeta } from "./meta.ts";
import { LIST_SET, rules } from "./structural.ts";

/** CEL. */
const VARIABLES = "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]{0,127}$') && !name.startsWith('WEIR_'))";

const names = (length: number, most: number) => z.array(z.string().max(length)).min(1).max(most).optional().meta(LIST_SET);

const binding = z.strictObject({
  hosts: names(253, 64).describe("Exact host names that may receive it."),
  ports: z.array(z.int().min(1).max(65_535)).min(1).max(16).optional().meta(LIST_SET).describe("Ports that may receive it; default 443."),
  methods: names(32, 16).describe("Methods that may carry it; default GET, HEAD, POST, PUT, PATCH, DELETE."),
  paths: names(1_024, 64).describe("Paths that may receive it; `*` is one segment, a final `**` any rest. Default every path."),
  notPaths: z.array(z.string().max(1_024)).max(64).optional().meta(LIST_SET).describe("Paths of these that may not; with a recipe, those where the service hands out credentials of its own."),
  databases: names(63, 64).describe("With `inject.type: postgres`: databases that may be opened; `*` is every one."),
  users: names(63, 64).describe("With `inject.type: postgres`: names that the agent may call itself; default any."),
});

/** A named right to use a credential at named destinations. The agent never sees the credential. Fields are those of `grants` in the proxy's configuration. */
export const credentialGrantSpec = z.strictObject({
  use: z.string().min(1).max(63).optional().describe("A recipe of docs/credentials-recipes.md, which says `inject`, `bind` and `env` of a well-known service; what is said here wins."),
  ...grantSources,
  inject: grantInjection,
  bind: binding.optional().describe("The only requests that may carry it."),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(4_096)).optional()
    .meta({ maxProperties: 16, ...rules([VARIABLES, "must be names of variables; those that begin with WEIR_ are Weir's own"]) })
    .describe("Variables with a dummy value in the containers that hold the grant, so that stock clients start. `auto` makes one that looks right."),
}).meta(rules(
  [ONE_SOURCE.rule, ONE_SOURCE.message],
  ["has(self.use) || (has(self.bind) && has(self.bind.hosts))", "without a recipe (use), bind.hosts says where it may go"],
)).describe("A named right to use a credential at named destinations; the agent never sees the credential.");
export type CredentialGrantSpec = z.output<typeof credentialGrantSpec>;

export const acceptedStatus = z.strictObject({
  observedGeneration: z.int().optional().describe("Generation of the spec that the status speaks of."),
  conditions,
});

export const credentialGrant = z.looseObject({ metadata: objectMeta, spec: credentialGrantSpec, status: acceptedStatus.partial().optional() });
export type CredentialGrant = z.output<typeof credentialGrant>;
