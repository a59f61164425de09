import * as z from "zod";
import { UNREAD_OF_MODEL } from "../model/readings.ts";
import type { PolicyInput } from "./policy-engine.ts";

/**
 * The policy input as a schema: the source of `policies/schemas/`, with which `opa check --schema` finds `input.request.hots`.
 * The two `Fits` types below keep it equal to the type.
 */
const agent = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  thread: z.string(),
  user: z.string(),
  labels: z.record(z.string(), z.string()).describe("Labels of the agent, as the platform vouches for them."),
  chain: z.array(z.string()).describe("Agents that spawned this one, outermost first."),
}).describe("Who asks; verified.");

const connection = z.strictObject({
  name: z.string().describe("The verified destination: a host name in lower case, or an address literal."),
  is_address: z.boolean(),
  port: z.int(),
  wire: z.enum(["tls", "http", "postgres", "opaque"]),
  sni: z.string().nullable(),
  alpn: z.array(z.string()),
}).describe("Present for connections and exchanges.");

const request = z.strictObject({
  method: z.string(),
  scheme: z.enum(["https", "http"]),
  host: z.string(),
  port: z.int(),
  path: z.array(z.string()).describe("Decoded segments."),
  query: z.record(z.string(), z.array(z.string())),
  headers: z.record(z.string(), z.string()).describe("Lower-case names. Claimed by the agent, not verified."),
  upgrade: z.literal("websocket").nullable(),
  has_body: z.boolean().exactOptional().describe("Absent where it is not known."),
}).describe("Present for exchanges.");

const sql = z.strictObject({
  user: z.string().describe("As the agent calls itself; the boundary logs in under another name."),
  database: z.string().describe("The one database that is opened."),
  application_name: z.string(),
  options: z.string().describe("Settings for the server's command line, `-c name=value`."),
}).describe("Present for a connection whose handling is `postgres`, once the client has said what it wants. Claimed by the agent, not verified.");

const git = z.strictObject({
  service: z.enum(["git-upload-pack", "git-upload-archive", "git-receive-pack"]),
  repository: z.string().describe("`org/name`: without a slash before it and `.git` after it."),
  is_write: z.boolean().describe("True for a push, from its first request on."),
}).describe("Present for exchanges of Git over smart HTTP.");

const grpc = z.strictObject({ service: z.string().describe("`package.Service`"), method: z.string() }).describe("Present for exchanges of gRPC.");

const llm = z.strictObject({
  api: z.string(),
  provider: z.string(),
  model: z.string(),
  stream: z.boolean(),
  max_output_tokens: z.int().nullable(),
  tools: z.array(z.string()).describe("Tools that are offered to the model, those that the provider runs included."),
  unread: z.array(z.enum(UNREAD_OF_MODEL)).exactOptional()
    .describe("What something stored at the provider may bring beside these (a prompt, a preset, a conversation), or `model` where the name stands for another (a router, a profile): nobody read it."),
}).describe("Present once it was asked for with `read` and the body is a request to a language model.");

const mcp = z.strictObject({
  era: z.enum(["session", "stateless"]),
  direction: z.enum(["to_server", "from_server"]),
  kind: z.enum(["request", "notification", "response"]),
  method: z.string().nullable(),
  tool: z.string().nullable(),
  arguments: z.record(z.string(), z.unknown()).nullable(),
  prompt: z.string().nullable(),
  uri: z.string().nullable(),
  is_listing: z.boolean().describe("True where a list of the server is filtered: would this ever be allowed? Arguments are null then."),
}).describe("One message of the Model Context Protocol. Present once it was asked for with `read` and the body is one, and when answers are filtered.");

const graphql = z.strictObject({
  type: z.enum(["query", "mutation", "subscription"]),
  name: z.string().nullable(),
  fields: z.array(z.string()).describe("Fields at the root, without aliases."),
}).describe("One GraphQL operation. Present once it was asked for with `read` and the body is one.");

const tried = z.string().nullable().exactOptional();
const read = z.strictObject({ llm: tried, mcp: tried, graphql: tried, json: tried })
  .describe("Present when an exchange is asked about again after `read`: null for a reading that is there, else why there is none.");

const budget = z.strictObject({ limit: z.number(), spent: z.number(), reserved: z.number() });

export const policyInput = z.strictObject({
  version: z.literal(1),
  agent,
  connection: connection.exactOptional(),
  request: request.exactOptional(),
  sql: sql.exactOptional(),
  git: git.exactOptional(),
  grpc: grpc.exactOptional(),
  read: read.exactOptional(),
  llm: llm.exactOptional(),
  mcp: mcp.exactOptional(),
  graphql: graphql.exactOptional(),
  json: z.unknown().optional().describe("The whole body as JSON. Present once it was asked for with `read` and the body is JSON."),
  dns: z.strictObject({ name: z.string(), type: z.string() }).exactOptional().describe("Present for names: what a DNS query asks for."),
  budgets: z.record(z.string(), budget),
  time: z.string().describe("RFC 3339, UTC, milliseconds."),
});

type Inferred = z.infer<typeof policyInput>;
/** Does not compile unless the first can be used as the second. */
type Fits<From extends To, To> = From extends To ? true : never;
export type TypeFitsSchema = Fits<PolicyInput, DeepReadonly<Inferred>>;
export type SchemaFitsType = Fits<Inferred, PolicyInput>;
type DeepReadonly<T> = T extends readonly (infer E)[] ? readonly DeepReadonly<E>[] : T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** JSON Schema (draft 7) of the input, as `policies/schemas/input.json` holds it. */
export function inputJsonSchema(): object {
  return z.toJSONSchema(policyInput, { target: "draft-7" });
}
