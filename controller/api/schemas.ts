import { z } from "@hono/zod-openapi";
import { METERS, type MeterName } from "../../common/meters.ts";
import { ANNOUNCED_BODY_LIMIT_BYTES, CALL_LIMITS, MESSAGE_SIZE } from "./limits.ts";

const label = z.string().min(1).max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be a DNS label");
/** Kubernetes lets names of threads made by others have dots. */
const threadName = z.string().min(1).max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be a DNS name");
const relation = z.enum(["owner", "maintainer", "participant"]);
const subject = z.string().max(320).regex(/^(user|group):[^\p{Cc}]+$/u, "must be user:NAME or group:NAME").openapi({ example: "user:alice" });
const time = z.iso.datetime().openapi({ example: "2026-01-01T00:00:00.000Z" });
/** `params` of a refinement say what {@link refuseMalformed} answers in place of the usual. */
const text = z.string().min(1)
  .refine((body) => Buffer.byteLength(body) <= ANNOUNCED_BODY_LIMIT_BYTES, {
    error: `is longer than ${ANNOUNCED_BODY_LIMIT_BYTES} bytes`, params: { code: "request.too-large", ...MESSAGE_SIZE },
  })
  .refine((body) => body.isWellFormed() && !body.includes("\0"), {
    error: "is not text: it holds a NUL or half a surrogate pair",
    params: { code: "request.malformed", rule: "message.text", hint: "encode what is no text, as base64 for example" },
  })
  .openapi({ description: "Text, at most 256 KiB of UTF-8." });
const grants = z.array(label).max(CALL_LIMITS.grants).refine((names) => new Set(names).size === names.length, "names a grant twice");
/** As people write amounts; what is no amount of its meter is refused where it is read (allowances.ts). */
const allowance = z.strictObject(Object.fromEntries(METERS.map((meter) => [meter, z.string().regex(/^\d{1,19}(\.\d{1,9})?$/).optional()])) as Record<MeterName, z.ZodOptional<z.ZodString>>)
  .openapi("Allowance", { description: "The most that a thread may use in its life, by meter; `usd` in dollars, as in `{\"usd\": \"2.00\"}`. Meters that are absent have no such cap." });
const count = z.coerce.number<string>().int().min(0).max(Number.MAX_SAFE_INTEGER).openapi({ type: "integer" });
const limit = (most: number, fallback: number) => z.coerce.number<string>().int().min(1).max(most).default(fallback);

export const problem = z.strictObject({
  error: z.string(), rule: z.string(), reason: z.string(), hint: z.string(), request_id: z.string(),
}).openapi("Problem", { description: "Why a request was not answered. `rule` names what refused, a rule of access or a limit; `hint` says what to do." });

export const agentView = z.strictObject({
  namespace: z.string(), name: z.string(), image: z.string().nullable(),
  policies: z.array(z.string()), grants: z.array(z.string()), budgets: z.array(z.string()),
  mcpServers: z.array(z.string()), idleTimeout: z.string(),
  spawns: z.array(z.strictObject({ agent: z.string(), grants: z.array(z.string()), maxThreads: z.int() })),
}).openapi("Agent");

export const threadView = z.strictObject({
  namespace: z.string(), name: z.string(), uid: z.string(), agent: z.string(), user: z.string(), title: z.string().nullable(),
  parent: z.string().nullable(), chain: z.array(z.string()), grants: z.array(z.string()).nullable(), allowance: z.union([allowance, z.null()]),
  phase: z.string().nullable(), instance: z.string().nullable(),
  unread: z.int().openapi({ description: "Messages to the agent that it has not acknowledged." }),
  createdAt: time, lastActivityAt: time.nullable(),
}).openapi("Thread");

export const messageView = z.strictObject({
  id: z.string(), seq: z.int().openapi({ description: "Position in the thread, from 1, without gaps." }),
  sender: z.strictObject({ role: z.enum(["user", "agent", "system"]), name: z.string() }),
  isForAgent: z.boolean(), body: z.string(), acceptedAt: time, acknowledgedAt: time.nullable(),
}).openapi("Message");

export const relationView = z.strictObject({ relation, subject: z.string() }).openapi("Relation");
export const posted = z.strictObject({ message: messageView, isNew: z.boolean() }).openapi("Posted");
export const opened = z.strictObject({ thread: threadView, isNew: z.boolean() }).openapi("Opened");
export const messageList = z.strictObject({ messages: z.array(messageView) }).openapi("MessageList");
export const acknowledged = z.strictObject({
  acknowledged: z.int().openapi({ description: "How many were not acknowledged before." }),
}).openapi("Acknowledged");
export const threadList = z.strictObject({
  threads: z.array(threadView),
  next: z.string().nullable().openapi({ description: "Cursor of the next page; null at the end." }),
}).openapi("ThreadList");
export const childList = z.strictObject({ threads: z.array(threadView) }).openapi("ChildList");
export const relationList = z.strictObject({ relations: z.array(relationView) }).openapi("RelationList");
export const agentList = z.strictObject({ agents: z.array(agentView) }).openapi("AgentList");
export const delivery = z.strictObject({
  events: z.array(z.strictObject({ source: z.string(), id: z.string(), thread: z.string(), message: z.string(), isNew: z.boolean() })),
}).openapi("Delivery");
export const instanceView = z.strictObject({
  namespace: z.string(), agent: z.string(), pod: z.string(), container: z.string().nullable(),
  thread: z.strictObject({
    name: z.string(), uid: z.string(), user: z.string(), chain: z.array(z.string()), grants: z.array(z.string()).nullable(), allowance: z.union([allowance, z.null()]), unread: z.int(),
  }).nullable(),
}).openapi("Instance");

export const threadWish = z.strictObject({
  agent: label, title: z.string().min(1).max(200).optional(), message: text.optional(),
  grants: grants.optional().openapi({ description: "The most that the thread may be lent; absent: what its Agent holds." }),
}).openapi("ThreadWish");
export const spawnWish = z.strictObject({
  agent: label, title: z.string().min(1).max(200).optional(), message: text.optional(),
  grants: grants.optional().openapi({ description: "A subset of what may be handed on; absent: all of that." }),
  allowance: allowance.optional(),
}).openapi("SpawnWish");
export const messageWish = z.strictObject({ body: text }).openapi("MessageWish");
export const activityReport = z.strictObject({
  instances: z.array(z.strictObject({
    namespace: z.string().min(1).max(253), name: z.string().min(1).max(253), podUid: z.string().min(1).max(64), lastActivityMs: z.int().min(0),
    exhausted: z.strictObject({ budget: z.string().min(1).max(253), reason: z.string().max(1_024), opensAtMs: z.int().min(0).nullable() }).nullable().optional(),
  })).max(CALL_LIMITS.reported),
});

export const inNamespace = z.strictObject({ namespace: label });
export const ofThread = inNamespace.extend({ thread: threadName });
export const ofAgent = inNamespace.extend({ agent: label });
export const ofMessage = ofThread.extend({ message: z.string().min(1).max(64) });
export const ofParticipant = ofThread.extend({ relation, subject });
export const ofAgentRelation = ofAgent.extend({ relation, subject });
export const ofOwnMessage = z.strictObject({ message: z.string().min(1).max(64) });
export const ofChild = z.strictObject({ child: threadName });

/** Printable ASCII, as in draft-ietf-httpapi-idempotency-key-header; scoped to the caller. */
export const idempotency = z.object({
  "idempotency-key": z.string().min(1).max(200).regex(/^[\x21-\x7e]+$/).optional()
    .openapi({ description: "The same key of the same caller is the same request." }),
});
export const lastEvent = z.object({ "last-event-id": count.optional() });
export const threadsPage = z.strictObject({ limit: limit(200, 50), after: z.string().max(200).optional(), agent: label.optional() });
export const messagesPage = z.strictObject({ limit: limit(200, 100), after: count.default(0).openapi({ description: "Only messages with a greater `seq`." }) });
export const eventsFrom = z.strictObject({ after: count.optional() });
export const pendingQuery = z.strictObject({
  limit: limit(100, 10),
  wait: z.coerce.number<string>().min(0).max(300).default(0).openapi({ type: "number", description: "Seconds to wait for a message if there is none." }),
});
