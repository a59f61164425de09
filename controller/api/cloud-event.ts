import { z } from "@hono/zod-openapi";
import { ANNOUNCED_BODY_LIMIT_BYTES, CALL_LIMITS, MESSAGE_SIZE } from "./limits.ts";
import { ApiProblem } from "./problem.ts";

/** Strings of CloudEvents hold no control characters (CloudEvents 1.0 §Type System). */
const text = (most: number) => z.string().min(1).max(most).regex(/^[^\p{Cc}]*$/u, "holds control characters")
  .refine((value) => value.isWellFormed(), "holds half a surrogate pair");
const EXTENSION_NAME = /^[a-z0-9]{1,20}$/;

/** CloudEvents 1.0, JSON format: the required attributes, the optional ones, and extensions, whose values are scalars. */
const cloudEvent = z.looseObject({
  specversion: z.literal("1.0"),
  id: text(256),
  source: text(512),
  type: text(256),
  subject: text(253).optional(),
  time: z.iso.datetime({ offset: true }).optional(),
  datacontenttype: text(128).optional(),
  dataschema: text(512).optional(),
  agent: text(63).optional(),
  data: z.json().optional(),
  data_base64: z.base64().optional(),
}).superRefine((event, context) => {
  if (event.data !== undefined && event.data_base64 !== undefined) context.addIssue({ code: "custom", message: "data and data_base64 exclude each other" });
  for (const [name, value] of Object.entries(event)) {
    if (name === "data" || name === "data_base64" || name === "specversion") continue;
    const complain = (message: string) => { context.addIssue({ code: "custom", path: [name], message }); };
    if (!EXTENSION_NAME.test(name)) complain("is no attribute name: lower-case letters and digits, at most 20");
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") complain("is no scalar");
  }
});
export type CloudEvent = z.output<typeof cloudEvent>;

const batch = z.array(cloudEvent).min(1).max(CALL_LIMITS.events);

const STRUCTURED = "application/cloudevents+json";
const BATCHED = "application/cloudevents-batch+json";

/**
 * Reads the three content modes of the HTTP binding (CloudEvents HTTP Protocol Binding 1.0 §3): batched, structured, binary.
 * @param headers lower-case names. @throws ApiProblem that names the first mistake
 */
export function readCloudEvents(headers: Headers, body: Uint8Array): readonly CloudEvent[] {
  const contentType = headers.get("content-type") ?? "";
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (mediaType === BATCHED) return check(batch, parseJson(body));
  if (mediaType === STRUCTURED) return [check(cloudEvent, parseJson(body))];
  if (mediaType.startsWith("application/cloudevents")) throw unreadable(`events in the format ${mediaType} are not read`);
  if (!headers.has("ce-specversion")) throw unreadable("the request holds no CloudEvent");
  return [check(cloudEvent, binaryEvent(headers, { contentType, mediaType, body }))];
}

function unreadable(reason: string): ApiProblem {
  return new ApiProblem("media-type.unsupported", reason, { hint: `send ${STRUCTURED}, ${BATCHED}, or ce- headers` });
}

/** The event as the agent reads it: structured JSON, whole. @throws ApiProblem if that is larger than a message may be */
export function messageOf(event: CloudEvent): string {
  const message = JSON.stringify(event);
  if (Buffer.byteLength(message) > ANNOUNCED_BODY_LIMIT_BYTES) {
    throw new ApiProblem("request.too-large", `event ${event.id} is larger than a message may be`, MESSAGE_SIZE);
  }
  return message;
}

/** Attributes are `ce-` headers, percent-encoded (§3.1.3.2); the body is the data. */
function binaryEvent(headers: Headers, content: { readonly contentType: string; readonly mediaType: string; readonly body: Uint8Array }): object {
  const attributes = Object.fromEntries([...headers].filter(([name]) => name.startsWith("ce-")).map(([name, value]) => [name.slice(3), percentDecoded(value)]));
  if ("data" in attributes || "datacontenttype" in attributes) {
    throw new ApiProblem("request.malformed", "ce-data and ce-datacontenttype do not exist in binary mode");
  }
  const type = content.contentType === "" ? {} : { datacontenttype: content.contentType };
  if (content.body.byteLength === 0) return { ...attributes, ...type };
  if (content.mediaType === "application/json" || content.mediaType.endsWith("+json")) return { ...attributes, ...type, data: parseJson(content.body) };
  if (content.mediaType.startsWith("text/")) return { ...attributes, ...type, data: decoded(content.body) };
  return { ...attributes, ...type, data_base64: Buffer.from(content.body).toString("base64") };
}

function check<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiProblem("request.malformed", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is no CloudEvent"}`, { cause: parsed.error });
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoded(body));
  } catch (cause) {
    if (cause instanceof ApiProblem) throw cause;
    throw new ApiProblem("request.malformed", "the body is not JSON", { cause });
  }
}

function decoded(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new ApiProblem("request.malformed", "the body is not UTF-8", { cause });
  }
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new ApiProblem("request.malformed", "a ce- header is not percent-encoded", { cause });
  }
}
