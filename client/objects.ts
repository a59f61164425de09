// Written by `npm run docs:generate` from the routes in controller/api; not by hand.

export interface Acknowledged {
  /** How many were not acknowledged before. */
  acknowledged: number;
}

export interface Adjustment {
  /** `set`: another limit from now on. `topup`: more in this window. `reset`: what is settled begins anew. `approve`: on past the threshold that waits. */
  kind: "set" | "topup" | "reset" | "approve";
  /** With `set`; null is the configured limit. */
  limit?: string | null;
  /** Digits, in whole units of the meter; `usd` in nano-dollars. */
  amount?: string;
  /** Only this count of the budget; absent: all of them. */
  key?: string;
  /** For the record. */
  why?: string;
}

export interface Agent {
  namespace: string;
  name: string;
  image: string | null;
  policies: string[];
  grants: string[];
  budgets: string[];
  mcpServers: string[];
  idleTimeout: string;
  spawns: { agent: string; grants: string[]; maxThreads: number }[];
}

export interface AgentList { agents: Agent[] }

/** The most that a thread may use in its life, by meter; `usd` in dollars, as in `{"usd": "2.00"}`. Meters that are absent have no such cap. */
export interface Allowance {
  requests?: string;
  bytes?: string;
  "bytes-out"?: string;
  "bytes-in"?: string;
  connections?: string;
  seconds?: string;
  tokens?: string;
  "input-tokens"?: string;
  "cached-input-tokens"?: string;
  "output-tokens"?: string;
  "reasoning-tokens"?: string;
  usd?: string;
}

export interface ApprovalDecision {
  decision: "allow" | "deny";
  /** With `allow`: for the one request, which is the default, or for all of its thread that the same rule asks about. */
  scope?: "once" | "thread";
  /** For the record. */
  why?: string;
}

export interface ApprovalList { questions: ApprovalQuestion[]; threads: ThreadApproval[] }

export interface ApprovalQuestion {
  id: string;
  askedAt: string;
  /** Nobody who answered by then is a no. */
  expiresAt: string;
  agent: { namespace: string; name: string; thread: string; instance: string; user: string; chain: string[]; pod: string | null };
  question: "connection" | "exchange";
  /** As in the audit. */
  requestId: string;
  host: string;
  port: number;
  method: string | null;
  /** Without its query. */
  path: string | null;
  /** What was read of the request, in lines; said by the agent, safe to print. */
  details: string[];
  rule: string;
  reason: string;
  hint: string;
  /** What may be answered beside no. */
  scopes: ("once" | "thread")[];
  /** False once the client has given up; the answer holds for its next try. */
  isWaiting: boolean;
  state: "open" | "allowed" | "denied" | "expired" | "withdrawn";
  /** Who answered. */
  by: string | null;
  scope: "once" | "thread" | null;
  why: string;
  /** What came of the answer, null where there is none: `recorded` until its node has said so, `lost` where its proxy ended first; the others are in docs/approvals.md. */
  delivery: "recorded" | "went-on" | "refused" | "client-left" | "too-late" | "lost" | null;
}

export interface ApprovalResult {
  id: string;
  outcome: "allowed" | "denied";
  by: string;
  /** It is durable and on its way. `GET /v1/approvals/{approval}?waitMs=5000` says whether the request went on. */
  delivery: "recorded";
}

export interface ApprovalRevocation {
  /** For the record. */
  why?: string;
}

export interface Budget {
  id: string;
  /** Null: of the installation, or one that proxies keep for each agent or thread. */
  namespace: string | null;
  name: string;
  meter: "requests" | "bytes" | "bytes-out" | "bytes-in" | "connections" | "seconds" | "tokens" | "input-tokens" | "cached-input-tokens" | "output-tokens" | "reasoning-tokens" | "usd";
  window: "minute" | "hour" | "day" | "week" | "month" | "total" | "thread";
  timezone: string;
  per: "all" | "namespace" | "user" | "agent" | "thread";
  parent: string | null;
  /** Configured; null where counts have limits of their own, such as allowances. */
  limit: string | null;
  /** Those with something in their current window, fullest first. */
  counts: BudgetCount[];
}

export interface BudgetCount {
  /** Names the count in `adjust`. */
  key: string;
  /** Who shares it: empty for all, else the namespace, user, `namespace/agent` or `namespace/agent/thread`. */
  of: string;
  /** Digits, in whole units of the meter; `usd` in nano-dollars. */
  configuredLimit: string;
  /** What counts now: the configured limit, or what somebody set instead, and what was added in this window. */
  limit: string;
  /** Digits, in whole units of the meter; `usd` in nano-dollars. */
  settled: string;
  /** Of what is settled. */
  estimated: string;
  /** Lent to node proxies that are there. */
  outstanding: string;
  /** Lent to node proxies that are silent: counted as spent until they come back. */
  lost: string;
  /** Digits, in whole units of the meter; `usd` in nano-dollars. */
  topUp: string;
  windowStart: string;
  windowEnd: string | null;
  /** Threshold that waits for a person; null: none does. */
  waitsAtPercent: number | null;
}

export interface BudgetList { budgets: Budget[] }

export interface ChildList { threads: Thread[] }

export interface Delivery { events: { source: string; id: string; thread: string; message: string; isNew: boolean }[] }

export interface Instance {
  namespace: string;
  agent: string;
  pod: string;
  container: string | null;
  thread: { name: string; uid: string; user: string; chain: string[]; grants: string[] | null; allowance: Allowance | null; unread: number } | null;
}

export interface Message {
  id: string;
  /** Position in the thread, from 1, without gaps. */
  seq: number;
  sender: { role: "user" | "agent" | "system"; name: string };
  isForAgent: boolean;
  body: string;
  acceptedAt: string;
  acknowledgedAt: string | null;
}

export interface MessageList { messages: Message[] }

export interface MessageWish {
  /** Text, at most 256 KiB of UTF-8. */
  body: string;
}

export interface Opened { thread: Thread; isNew: boolean }

export interface Posted { message: Message; isNew: boolean }

/** Why a request was not answered. `rule` names what refused, a rule of access or a limit; `hint` says what to do. */
export interface Problem { error: string; rule: string; reason: string; hint: string; request_id: string }

export interface Relation { relation: "owner" | "maintainer" | "participant"; subject: string }

export interface RelationList { relations: Relation[] }

export interface SpawnWish {
  agent: string;
  title?: string;
  /** Text, at most 256 KiB of UTF-8. */
  message?: string;
  /** A subset of what may be handed on; absent: all of that. */
  grants?: string[];
  allowance?: Allowance;
}

export interface Thread {
  namespace: string;
  name: string;
  uid: string;
  agent: string;
  user: string;
  title: string | null;
  parent: string | null;
  chain: string[];
  grants: string[] | null;
  allowance: Allowance | null;
  phase: string | null;
  instance: string | null;
  /** Messages to the agent that it has not acknowledged. */
  unread: number;
  createdAt: string;
  lastActivityAt: string | null;
}

export interface ThreadApproval { id: string; namespace: string; agent: string; thread: string; rule: string; by: string; why: string; allowedAt: string; expiresAt: string }

export interface ThreadList {
  threads: Thread[];
  /** Cursor of the next page; null at the end. */
  next: string | null;
}

export interface ThreadWish {
  agent: string;
  title?: string;
  /** Text, at most 256 KiB of UTF-8. */
  message?: string;
  /** The most that the thread may be lent; absent: what its Agent holds. */
  grants?: string[];
}
