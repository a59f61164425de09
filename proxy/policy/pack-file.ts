import * as z from "zod";

/**
 * A pack: what agents need of one service, by levels of access, as data. It stands in `packs/NAME.yaml` below its name, so that `opa`, which reads every YAML file
 * of a folder, finds no two with the same keys. What this schema cannot say `parse-pack.ts` checks; `packs.ts` turns packs that are taken up into entries of `data.yaml`.
 */

const word = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "is lower case letters, digits and -, such as read-only");
/** Printed on terminals and shown to people who are asked: one line. */
const line = z.string().min(1).max(300).regex(/^[^\p{Cc}]*$/u, "is one line");
const values = z.array(z.string().min(1).max(200)).min(1).max(1_000);

/** What an entry of a pack does not say: whom it is for, what it lends and what it costs is said by whoever takes the pack up. */
const NOT_IN_PACKS = ["agents", "grants", "budgets", "effect", "ask", "reason", "hint"] as const;

const entry = z.looseObject({
  rule: z.string().regex(/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*$/, "is words between dots, such as issues.read").max(100)
    .describe("Id within the pack; refusals and the audit show it as `PACK.RULE`."),
  about: line.describe("What an agent does with it; a person who is asked reads it."),
  credential: word.optional().describe("Which of the pack's credentials is lent here; without one, none is."),
}).superRefine((written, context) => {
  for (const key of NOT_IN_PACKS) if (written[key] !== undefined) context.addIssue({ code: "custom", path: [key], message: "has no place in a pack; whoever takes it up says that" });
});

const level = z.strictObject({
  name: word.describe("What `access` names."),
  about: line.describe("What an agent of this level can do."),
  includes: z.array(word).max(16).default([]).describe("Levels whose entries it has as well; they stand before it."),
  hosts: z.array(entry).max(1_000).default([]).describe("Entries as under `hosts` of data.yaml, with `${parameter}` in texts, and without what whoever takes the pack up says."),
  addresses: z.array(entry).max(1_000).default([]).describe("The same for `addresses`."),
});

const parameter = z.strictObject({
  about: line.describe("What it is."),
  kind: z.enum(["name", "path", "host", "glob", "port"])
    .describe("`name`: letters, digits and . _ -, or `*`. `path`: names between slashes. `host`: a host pattern. `glob`: any text, `*` in it is any run of characters. `port`: a number."),
  segments: z.int().min(1).max(8).optional().describe("For `path`: how many names."),
  default: values.optional().describe("Without one it must be given."),
  example: values.optional().describe("Needed where there is no default: the pack is checked with it."),
}).refine((written) => written.default !== undefined || written.example !== undefined, "needs a default, or an example of what to give");

const credential = z.strictObject({
  about: line.describe("Which secret, and what it should be allowed to do at the service."),
  recipe: word.optional().describe("Recipe of the grant (docs/credentials-recipes.md); without one the grant is written by hand (docs/credentials.md)."),
});

export const packFile = z.strictObject({
  title: line.describe("Name of the service."),
  about: line.describe("What the pack is for, and what it leaves out on purpose."),
  source: z.url({ protocol: /^https$/ }).describe("Documentation of the service that the entries follow."),
  credentials: z.record(word, credential).default({}).describe("Credentials that the service may want, by name."),
  parameters: z.record(word, parameter).default({}).describe("What differs from user to user."),
  levels: z.array(level).min(1).max(32).describe("Levels of access, the least first: it is the default."),
}, { error: ({ input }) => (input === undefined ? "is missing: a pack stands below its name" : undefined) });
export type Pack = z.output<typeof packFile>;
export type PackLevel = Pack["levels"][number];
export type PackEntry = PackLevel["hosts"][number];
export type PackParameter = Pack["parameters"][string];

/** Name of a pack, which is that of its file. */
export const PACK_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
