import { HTTPException } from "hono/http-exception";
import type { AccessRefused } from "../access/access.ts";

/** Everything that can be wrong with a request, with its status and what to do about it unless the place where it happened knows better. */
export const PROBLEMS = {
  "request.malformed": { status: 400, hint: "compare the request with /openapi.json; bodies are JSON, with content-type: application/json" },
  "authentication.required": { status: 401, hint: "send a bearer token" },
  "access.denied": { status: 403, hint: "ask an owner" },
  "not-found": { status: 404, hint: "check the name and the namespace" },
  "conflict": { status: 409, hint: "look at what is there, and try again" },
  "gone": { status: 410, hint: "open another thread; an instance of this one can end" },
  "request.too-large": { status: 413, hint: "send less at a time" },
  "media-type.unsupported": { status: 415, hint: "compare the content type with /openapi.json" },
  "request.unfit": { status: 422, hint: "correct the request; it fails the same way again" },
  "rate.limited": { status: 429, hint: "wait as long as Retry-After says" },
  "internal": { status: 500, hint: "this is a fault of the controller; report it with the request id" },
  "unavailable": { status: 503, hint: "try again in a while" },
  "timeout": { status: 504, hint: "try again; keys make that safe" },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

export interface ProblemOptions {
  readonly hint?: string;
  readonly rule?: string;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** How a request ends that is not answered as it hoped. */
export class ApiProblem extends Error {
  override readonly name = "ApiProblem";
  readonly code: ProblemCode;
  readonly hint: string;
  /** What refused: a rule of access, a limit; where nothing has a name of its own, the code. */
  readonly rule: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, reason: string, options: ProblemOptions = {}) {
    super(reason, { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? PROBLEMS[code].hint;
    this.rule = options.rule ?? code;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (code === "unavailable" ? 1 : undefined);
  }

  get status(): (typeof PROBLEMS)[ProblemCode]["status"] {
    return PROBLEMS[this.code].status;
  }

  body(requestId: string): ProblemBody {
    return { error: this.code, rule: this.rule, reason: this.message, hint: this.hint, request_id: requestId };
  }
}

export interface ProblemBody {
  error: string;
  rule: string;
  reason: string;
  hint: string;
  request_id: string;
}

const UNKNOWN_MESSAGE = { rule: "message.unknown", hint: "acknowledge messages that this thread's agent was sent, by the id that they came with" } as const;

/** What other rooms throw, by name: their classes are theirs. Whatever is not listed is a fault of ours, and its message nobody else's business. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  // Hono's, for a body that is not JSON.
  if (error instanceof HTTPException) return new ApiProblem("request.malformed", "the body is not what its content type says", { cause: error });
  if (!(error instanceof Error)) return new ApiProblem("internal", "the controller failed", { cause: error });
  switch (error.name) {
    case "AccessRefused": return refusal(error as AccessRefused);
    case "AccessUnavailable": return new ApiProblem("unavailable", "who may do this could not be found out", { cause: error });
    case "LedgerUnavailable": return new ApiProblem("unavailable", "the ledger of budgets does not answer", { cause: error });
    case "AmountUnfit": return new ApiProblem("request.unfit", error.message, { rule: "budget.amount", hint: "give a smaller amount, or set the limit", cause: error });
    case "StoreUnavailable": return new ApiProblem("unavailable", "the store of threads does not answer", { cause: error });
    case "ThreadGone": return new ApiProblem("gone", "the thread is no more", { rule: "thread.gone", cause: error });
    case "MessageUnknown": return new ApiProblem("not-found", "there is no such message for the agent in this thread", { ...UNKNOWN_MESSAGE, cause: error });
    case "MessageUnfit": return new ApiProblem("request.unfit", error.message, { rule: "message.unfit", cause: error });
    case "RoomTaken": return new ApiProblem("conflict", error.message, { rule: "messages.limit", hint: "delete threads that are done", cause: error });
    case "AllowanceTaken": return new ApiProblem("conflict", error.message, { rule: "spawn.allowance", hint: "ask for less, or delete children that are done", cause: error });
    case "TooManyApprovals": return new ApiProblem("conflict", error.message, { rule: "approvals.limit", hint: "revoke some that are not needed any more", cause: error });
    case "TooManyRelations": return new ApiProblem("conflict", error.message, { rule: "relations.limit", hint: "use a group", cause: error });
    case "KubeError": return clusterProblem(error);
    default: return new ApiProblem("internal", "the controller failed", { cause: error });
  }
}

const REFUSED = {
  denied: "access.denied", unauthenticated: "authentication.required", gone: "gone",
} as const satisfies Record<AccessRefused["kind"], ProblemCode>;

function refusal(error: AccessRefused): ApiProblem {
  return new ApiProblem(REFUSED[error.kind], error.message, { rule: error.rule, hint: error.hint, cause: error });
}

/** What the API server refuses because of what was asked is the caller's to know; everything else is between it and the controller. */
function clusterProblem(error: Error): ApiProblem {
  const status = "status" in error ? error.status : 0;
  if (status === 409) return new ApiProblem("conflict", "the object was changed or made by somebody else meanwhile", { cause: error });
  if (status === 422) return new ApiProblem("request.unfit", `the API server refuses it: ${error.message.slice(0, 1_000)}`, { cause: error });
  if (status === 404) return new ApiProblem("not-found", "the namespace or the object is not there", { cause: error });
  return new ApiProblem("unavailable", "the API server does not do it", { cause: error });
}
