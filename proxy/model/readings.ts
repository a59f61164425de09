/**
 * What is read of a request beyond its head, in the words of its protocol, as policy sees it (`input.llm`, `input.mcp` …). All of it is claimed by the
 * agent, and all of it is what the destination will read: whatever two readers could understand in two ways is not read but refused.
 */

/** Readings of a body. Made only where a policy asks for them. */
export const READINGS = ["llm", "mcp", "graphql", "json"] as const;
export type ReadingName = (typeof READINGS)[number];

/** Git over smart HTTP (gitprotocol-http), by path and query alone. */
export interface GitReading {
  readonly service: "git-upload-pack" | "git-upload-archive" | "git-receive-pack";
  /** Path of the repository, decoded, in its own capitals, without a slash before it and `.git` or `/.git` after it: `org/name`. */
  readonly repository: string;
  /** True for a push, from its first request on. */
  readonly is_write: boolean;
}

/** gRPC and gRPC-web, by path and content type alone. */
export interface GrpcReading {
  /** `package.Service` */
  readonly service: string;
  readonly method: string;
}

/** A request to a language model, of every API that the meters know. */
export interface LlmReading {
  readonly api: string;
  readonly provider: string;
  readonly model: string;
  readonly stream: boolean;
  /** Null if the request does not limit its output. */
  readonly max_output_tokens: number | null;
  /**
   * Names of the tools that are offered to the model, and types of those that the provider runs by itself (`web_search`); of its servers and skills
   * `mcp:mcp.example.com` and `skill:pptx`.
   */
  readonly tools: readonly string[];
  /** What else something may bring that the request only names (a stored prompt, a preset, a conversation): nobody read it. Absent if nothing. */
  readonly unread?: readonly UnreadOfModel[];
}

/** What a request to a model may leave to something that is stored at the provider: other models, tools, or which `model` its name stands for (a router, a profile). */
export const UNREAD_OF_MODEL = ["models", "tools", "model"] as const;
export type UnreadOfModel = (typeof UNREAD_OF_MODEL)[number];

/** One message of the Model Context Protocol, either way. A batch is asked about message by message. */
export interface McpReading {
  /** `session`: revisions 2024-11-05 to 2025-11-25; `stateless`: from 2026-07-28 on. */
  readonly era: "session" | "stateless";
  /** `to_server` is what the agent sends. `from_server`: what a server asks of the agent (`sampling/createMessage`), in a stream or in a result. */
  readonly direction: "to_server" | "from_server";
  readonly kind: "request" | "notification" | "response";
  /** Null for a response. */
  readonly method: string | null;
  /** `params.name` of tools/call. */
  readonly tool: string | null;
  /** `params.arguments` of tools/call and prompts/get; null where there is none. */
  readonly arguments: Readonly<Record<string, unknown>> | null;
  /** `params.name` of prompts/get. */
  readonly prompt: string | null;
  /** `params.uri` of resources/read, subscribe and unsubscribe. */
  readonly uri: string | null;
  /** True where a list of the server is filtered: would a call of this tool, prompt or resource ever be allowed? Arguments are not known then. */
  readonly is_listing: boolean;
}

/** One GraphQL operation. A batch is asked about operation by operation. */
export interface GraphqlReading {
  readonly type: "query" | "mutation" | "subscription";
  /** Null for an anonymous operation. */
  readonly name: string | null;
  /** Names of the fields at the root, fragments resolved, without aliases. */
  readonly fields: readonly string[];
}

/** What the head alone says; absent where it is no such request. */
export interface HeadReadings {
  readonly git?: GitReading;
  readonly grpc?: GrpcReading;
}

/** What one part of a body says; absent where it was not asked for or is no such request. */
export interface BodyReadings {
  readonly llm?: LlmReading;
  readonly mcp?: McpReading;
  readonly graphql?: GraphqlReading;
  /** The whole body as JSON. */
  readonly json?: unknown;
}

/** Which readings were tried: null if it is there, else why there is none, in our words. */
export type ReadReport = { readonly [Name in ReadingName]?: string | null };

/** A body that was read. Policy is asked once for each part, and everything must be allowed. */
export interface BodyRead {
  readonly report: ReadReport;
  /** At least one; most bodies have one part. */
  readonly parts: readonly BodyReadings[];
}
