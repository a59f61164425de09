import * as z from "zod";
import { RE2JS } from "re2js";
import { APPROVAL_SCOPES } from "../model/decision.ts";

/**
 * What an entry of `data.yaml` says beyond method and path, in the words of a protocol. An entry with one of these keys speaks of such requests alone: what
 * is no such request is not covered by it. What cannot be read, or judged beyond doubt, is not covered by an allow or an ask, and is covered by a deny: a deny of
 * a body is of every request that has one and of WebSockets, a deny of Git or gRPC is of the path, whatever the request calls itself. Where several keys stand,
 * all must hold.
 */

/** `*` is any run of characters, also none; everything else stands for itself. Compared with the whole text, case and all. */
const glob = z.string().min(1).max(200).refine((text) => !text.includes("**"), "holds two asterisks in a row; one is enough");
const globs = z.array(glob).min(1).max(1_000);
const scalar = z.union([z.string().max(4_096), z.number(), z.boolean(), z.null()]);

/** As deep as the library looks into a document (policies/values.rego). */
const DEEPEST = 6;

/** A regular expression that covers the whole text or nothing. */
export const wholeMatch = (expression: string): string => `\\A(?:${expression})\\z`;

/** An expression that closes a group which it did not open, or quotes what follows it, would cover more than the whole text. */
function checkExpression(text: string, context: z.RefinementCtx): void {
  try {
    RE2JS.compile(text);
    RE2JS.compile(wholeMatch(text));
  } catch (error) {
    context.addIssue({ code: "custom", message: `is no regular expression of RE2: ${(error as Error).message}` });
  }
}

/** What one value must be; all that is said must hold. A value that is absent holds only with `optional`. */
export const valueRule = z.strictObject({
  one_of: z.array(scalar).min(1).max(1_000).optional().describe("Equal to one of these."),
  like: globs.optional().describe("A text that one of these patterns covers; `*` is any run of characters."),
  within: z.string().regex(/^\/[^\0]*$/, "is a path from the root").max(1_000).optional()
    .describe("A path from the root that is this one or lies below it: `/workspace` covers `/workspace/a`, not `/workspace-2` and nothing with a `.` or `..` segment."),
  matches: z.string().min(1).max(500).superRefine(checkExpression).optional().describe("A text that this regular expression (RE2) matches as a whole."),
  max_length: z.number().int().nonnegative().max(1_000_000).optional().describe("A text of at most so many characters."),
  max: z.number().optional().describe("A number of at most this."),
  min: z.number().optional().describe("A number of at least this."),
  type: z.enum(["string", "number", "boolean", "array", "object", "null"]).optional().describe("What it is in JSON."),
  optional: z.boolean().default(false).describe("True if it may be absent."),
}).refine((rule) => Object.keys(rule).some((key) => key !== "optional"), "says nothing; name what the value must be");
export type ValueRule = z.output<typeof valueRule>;

type Problem = string | null;

/** Checks keys where their record is checked: a complaint of a key's own schema says no more than that it is none. */
function checkKeys(problemOf: (key: string) => Problem) {
  return (record: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
    for (const key of Object.keys(record)) {
      const problem = problemOf(key);
      if (problem !== null) context.addIssue({ code: "custom", path: [key], message: problem });
    }
  };
}

function argumentProblem(name: string): Problem {
  if (name.split(".").some((part) => part === "")) return "is a name, or names with a point between them";
  return name.split(".").length > DEEPEST ? `is more than ${DEEPEST} levels deep` : null;
}

function pointerProblem(pointer: string): Problem {
  if (!/^(?:\/(?:[^~/]|~[01])*)*$/.test(pointer)) return "is no JSON pointer (RFC 6901), such as /channel";
  return pointer.split("/").length > DEEPEST + 1 ? `is more than ${DEEPEST} levels deep` : null;
}

const mcpTool = z.strictObject({
  name: glob.describe("Name of the tool; `*` is any run of characters."),
  arguments: z.record(z.string().max(200), valueRule).superRefine(checkKeys(argumentProblem)).default({}).describe("Rules for arguments, by name; `a.b` is inside an object."),
  only_these: z.boolean().default(false).describe("True if a call with any other argument is not covered."),
});

/** Requests are held against the name without it. */
const repository = glob.refine((name) => !/\.git$/i.test(name), "is written without .git at its end");

export const entryReadings = {
  mcp: z.strictObject({
    methods: globs.optional()
      .describe("Methods besides those of `tools`, `resources` and `prompts`. Default: what every client needs to begin (`initialize`, `notifications/*`, `ping`, `server/discover`, `subscriptions/listen`, `completion/complete`, `logging/setLevel`), and the lists of what is allowed below."),
    tools: z.array(z.union([glob, mcpTool]).transform((tool) => (typeof tool === "string" ? { name: tool, arguments: {}, only_these: false } : tool))).min(1).max(1_000).optional().describe("Tools that may be called; the others do not appear in lists. Default none."),
    resources: globs.optional().describe("URIs of resources that may be read. Default none."),
    prompts: globs.optional().describe("Prompts that may be fetched. Default none."),
    from_server: globs.optional().describe("What the server may ask of the agent: `sampling/createMessage`, `elicitation/create`, `roots/list`. Default none."),
  }).optional()
    .describe("The Model Context Protocol, every revision. Streams and ends of sessions (GET, DELETE) carry no message and are allowed at every path of the entry: name its `paths`. An ask leaves what clients need to begin without a question; a deny covers what it names alone, and every message if it names nothing."),
  llm: z.strictObject({
    models: globs.optional().describe("Models, as the request names them. Default every one."),
    tools: globs.optional().describe("Tools that may be offered to the model, those of the provider included (`web_search*`). Default every one."),
    stream: z.boolean().optional().describe("True: only requests whose answer streams; false: only others. Default both."),
  }).optional().describe("Requests to language models, of every API that the meters know."),
  git: z.strictObject({
    access: z.enum(["read", "write"]).optional()
      .describe("`read` is clone and fetch, the default; `write` is push as well. Of a deny, `write` is push alone, and the default is both."),
    repositories: z.array(repository).min(1).max(1_000).optional().describe("Repositories, `org/name` without `.git`. Default every one."),
  }).optional().describe("Git over smart HTTP."),
  grpc: z.array(z.string().regex(/^[A-Za-z0-9_.]+\/(?:[A-Za-z0-9_]+|\*)$/, "is `package.Service/Method` or `package.Service/*`")).min(1).max(1_000).optional().describe("Methods of gRPC, `package.Service/Method` or `package.Service/*`."),
  graphql: z.strictObject({
    types: z.array(z.enum(["query", "mutation", "subscription"])).min(1).max(3).optional().describe("Default query only."),
    names: globs.optional().describe("Names of operations; an anonymous one has none and is then not covered. The agent chooses the name, so it limits nothing by itself: say `fields` as well. Default every one."),
    fields: globs.optional().describe("Fields at the root; every one that is asked for must be covered; what is asked for below them is not looked at. Default every one."),
  }).optional().describe("GraphQL over HTTP: JSON bodies, and the query parameters of GET."),
  json: z.record(z.string().max(1_000), valueRule).superRefine(checkKeys(pointerProblem)).optional().describe("Rules for the JSON body, by JSON pointer. A request whose query has a parameter of the same name is not covered by an allow, and is covered by a deny."),
  max_read_bytes: z.number().int().min(1).max(16 << 20).optional()
    .describe("Largest body, decoded, that is held back to be read for this entry, in bytes; a larger one is refused. Default 131072, 16777216 for `llm`."),
};

export const askRule = z.strictObject({
  reason: z.string().min(1).max(500).describe("What the person is asked, and what the agent is told."),
  hint: z.string().max(500).default("Wait for it, or do something else.").describe("What the agent is told to do meanwhile."),
  timeout_seconds: z.number().int().min(1).max(3_600).default(300).describe("How long the request waits; nobody's answer is a no."),
  scopes: z.array(z.enum(APPROVAL_SCOPES)).min(1).max(2).default(["once", "thread"]).describe("What may be chosen: for this request, or for all of the thread that this entry covers."),
});

/** A pack, taken up with what is ours in it. */
export const packUse = z.strictObject({
  pack: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "is the name of a pack").describe("A pack that comes with Weir (`weir policy packs` lists them), or `packs/NAME.yaml` of this folder."),
  access: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/).optional().describe("Level of access, as the pack names its levels; default the pack's own, which is the least."),
  agents: z.array(z.string()).min(1).max(1_000).optional().describe("As in an entry."),
  grants: z.union([z.array(z.string().min(1).max(200)).max(8), z.record(z.string(), z.string().min(1).max(200))]).optional()
    .describe("As in an entry: the credential that is lent where the pack lends one; by name where it has several (`{api: github, git: github-git}`)."),
  budgets: z.array(z.string()).max(16).optional().describe("As in an entry."),
  ask: z.array(z.string().min(1).max(200)).max(100).optional().describe("Rules of the pack that a person has to allow each time, such as `github.git.push`."),
  with: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}).describe("Values for the pack's parameters, such as `repositories`."),
});
export type PackUse = z.output<typeof packUse>;
