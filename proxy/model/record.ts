import type { ErrorCode } from "../errors.ts";
import type { AgentIdentity } from "./agent.ts";
import type { ApprovalScope, Decision, Handling } from "./decision.ts";
import type { ModelApi, TokenCounts, UsageAlarm } from "./metered-call.ts";
import type { Usage } from "./usage.ts";

/** Why something ended early, as audited. `rule` and `reason` are present for policy refusals. */
export interface RecordedError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly hint?: string;
}

/** What was masked in an answer: how often a secret of a grant was found in one place of it. */
export interface RecordedRedaction {
  /** `grant@source#version`. */
  readonly reference: string;
  readonly place: "header" | "body" | "trailer" | "frame";
  readonly count: number;
}

/** Agent as audited: no token, no expiry. */
export type RecordedAgent = Omit<AgentIdentity, "labels" | "grants">;

export function recordedAgent({ namespace, name, thread, instance, user, chain, pod }: AgentIdentity): RecordedAgent {
  return pod === undefined ? { namespace, name, thread, instance, user, chain } : { namespace, name, thread, instance, user, chain, pod };
}

export interface RecordedDecision {
  readonly allowed: boolean;
  readonly rule: string;
  readonly revision: string;
  readonly grants: readonly string[];
  readonly budgets: readonly string[];
  /** Present where policy came to no verdict of its own: it left it to a person, or wanted to read the body first. What came of that, `approval` and the error tell. */
  readonly undecided?: "ask" | "read";
  /** Present where a person decided, or was asked and did not. */
  readonly approval?: RecordedApproval;
  /** Present where a second bundle was asked beside the one in force. */
  readonly shadow?: RecordedShadow;
  /** What policy was asked, as far as it is kept: for `weir explain` and `weir policy replay`. */
  readonly input?: RecordedInput;
}

/** What was decided, without what it was decided on. An allow that a person has still to give is none. */
export function recordedDecision(decision: Decision, approval?: RecordedApproval): RecordedDecision {
  const { rule, revision } = decision;
  const asked = approval === undefined ? {} : { approval };
  const undecided = decision.kind === "ask" || decision.kind === "read" ? { undecided: decision.kind } : {};
  if (decision.kind !== "allow") return { allowed: false, rule, revision, grants: [], budgets: [], ...undecided, ...asked };
  return { allowed: true, rule, revision, grants: decision.grants, budgets: decision.budgets, ...asked };
}

/** Who decided what policy left to people, and why. */
export interface RecordedApproval {
  readonly id: string;
  readonly outcome: "allowed" | "denied" | "expired";
  /** Null if nobody did. */
  readonly by: string | null;
  readonly reason: string;
  readonly scope: ApprovalScope | null;
  readonly waitedMs: number;
}

/** What a shadow bundle would have decided. `failed`: it gave no answer in time, or none that is one. */
export interface RecordedShadow {
  readonly revision: string;
  readonly outcome: "allow" | "deny" | "ask" | "failed";
  readonly rule: string | null;
  /** Why it failed. */
  readonly reason?: string;
}

/** The policy input of one decision with what must not be kept taken out. */
export interface RecordedInput {
  /** A part of the policy input v1: what is named in `redacted` is absent or shortened. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Places, as Rego writes them (`input.request.headers["authorization"]`, `input.request.query["q"]`, `input.mcp.arguments.text`). */
  readonly redacted: readonly string[];
}

interface Base {
  /** Wall clock, milliseconds. */
  readonly timeMs: number;
  /** Null only where nobody could be identified, and for life-cycle events. */
  readonly agent: RecordedAgent | null;
}

/** A session of a database. */
export interface RecordedSession {
  /** As the agent called itself; the boundary logs in under another name. */
  readonly user: string;
  readonly database: string;
  readonly applicationName: string;
  /** References (`grant@source#version`), never values. */
  readonly credentials: readonly string[];
  readonly upstreamAddress: string | null;
}

/** What a call of a language model came to. Money in nano-dollars, as a decimal text: JSON numbers are not exact. */
export interface RecordedModelUse {
  readonly api: ModelApi;
  readonly provider: string;
  readonly model: string;
  readonly stream: boolean;
  /** Lowered to this by a limit or by policy; null if it was sent as it came. */
  readonly clampedTo: number | null;
  /** Held before it was sent. */
  readonly heldNanoUsd: string | null;
  /** Null until the exchange has ended. */
  readonly charged: {
    readonly tokens: TokenCounts;
    readonly nanoUsd: string | null;
    readonly estimated: boolean;
    readonly reportedNanoUsd: string | null;
    readonly estimatedNanoUsd: string | null;
    readonly alarms: readonly UsageAlarm[];
  } | null;
}

/** One connection, written when it ends (or, for a tunnel or a session, once more before its first byte leaves: `phase` "opened"). */
export interface ConnectionRecord extends Base {
  readonly kind: "connection";
  readonly phase: "opened" | "closed";
  readonly connectionId: string;
  readonly peerAddress: string | null;
  readonly dialled: { readonly address: string; readonly port: number } | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly wire: "tls" | "http" | "postgres" | "opaque" | "dns" | null;
  readonly serverName: string | null;
  readonly handling: Handling | null;
  readonly decision: RecordedDecision | null;
  readonly outcome: "allowed" | "denied" | "failed";
  readonly error: RecordedError | null;
  readonly durationMs: number;
  readonly usage: Usage;
  readonly exchanges: number;
  /** Present once a client of a database has said what it wants. */
  readonly session?: RecordedSession;
}

/**
 * One exchange. `phase` "decided" is durable before a byte leaves and exists exactly for allowed requests that are about to be sent;
 * `phase` "closed" is written for every exchange when it ends, refused ones included.
 */
export interface ExchangeRecord extends Base {
  readonly kind: "exchange";
  readonly phase: "decided" | "closed";
  readonly exchangeId: string;
  readonly connectionId: string;
  readonly method: string | null;
  readonly scheme: "https" | "http" | null;
  readonly host: string | null;
  readonly port: number | null;
  readonly path: string | null;
  /** Names of the query's parameters, not their values. */
  readonly queryKeys: readonly string[];
  readonly httpVersion: string | null;
  readonly userAgent: string | null;
  readonly decision: RecordedDecision | null;
  /** References (`grant@source#version`), never values. */
  readonly credentials: readonly string[];
  /** What the destination showed of them; empty until the exchange has ended. */
  readonly redactions: readonly RecordedRedaction[];
  readonly outcome: "allowed" | "denied" | "failed";
  readonly error: RecordedError | null;
  readonly status: number | null;
  readonly upstreamAddress: string | null;
  readonly durationMs: number;
  readonly usage: Usage;
  /** Present for calls of language models that were read. */
  readonly modelUse?: RecordedModelUse;
  /** Present for requests to a provider of models that were passed on although nothing of them can be counted. */
  readonly isUnmetered?: true;
  /** Present where the answer of an MCP server lost something: entries of lists, and requests of the server (their methods) that the agent never saw. */
  readonly mcpFiltered?: { readonly hidden: number; readonly withheld: readonly string[] };
}

/** One DNS query of an agent; none of them ever leaves the node. */
export interface NameRecord extends Base {
  readonly kind: "name";
  readonly queryId: string;
  readonly connectionId: string;
  readonly name: string | null;
  readonly type: string | null;
  readonly answer: string | null;
  /** Absent where policy was not asked. */
  readonly decision?: RecordedDecision;
  readonly outcome: "allowed" | "denied" | "failed";
  readonly error: RecordedError | null;
}

/** Start, stop, policy load, refused policy, key rotation, sink trouble, gap marks. */
export interface LifecycleRecord extends Base {
  readonly kind: "lifecycle";
  readonly event: string;
  readonly outcome: "succeeded" | "failed";
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export type AuditRecord = ConnectionRecord | ExchangeRecord | NameRecord | LifecycleRecord;
