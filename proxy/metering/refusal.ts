import { ERROR_TABLE, refusalBody, type EgressError, type RefusalBody } from "../errors.ts";
import type { ModelApi } from "../model/metered-call.ts";
import type { HeaderList } from "../model/request.ts";
import type { ProviderRefusal } from "./metering.ts";
import { knownProvider, type PathStyle } from "./providers.ts";
import { recognise, type DestinationHead, type RecogniseConfig } from "./recognise.ts";

/** Why, and for whose eyes. */
export interface RefusalCause {
  readonly error: EgressError;
  readonly requestId: string;
}

/** Shapes of errors; every API has one of them. */
type Shape = "openai" | "anthropic" | "google" | "bedrock" | "mistral" | "openrouter";

interface Said {
  readonly status: number;
  readonly isDenied: boolean;
  /** True for what a budget or the lack of a count ends: it does not come right by asking again. */
  readonly isBudget: boolean;
  /** For people: what happened, and what to do about it. */
  readonly message: string;
  readonly own: RefusalBody;
}

/** One API's way to say it; `content-type` and `x-should-retry` are added. */
interface Shaped {
  readonly status: number;
  readonly headers?: HeaderList;
  readonly body: unknown;
}

const SHAPES: Readonly<Record<Shape, (said: Said) => Shaped>> = { openai, anthropic, google, bedrock, mistral, openrouter };

const BY_API: Readonly<Record<ModelApi, Shape>> = {
  "openai-chat": "openai", "openai-responses": "openai", "openai-embeddings": "openai", "anthropic-messages": "anthropic", "gemini-generate": "google",
  "bedrock-converse": "bedrock", "bedrock-invoke": "bedrock", "mistral-chat": "mistral", "openrouter-chat": "openrouter",
};
const BY_STYLE: Readonly<Record<PathStyle, Shape | null>> = {
  openai: "openai", azure: "openai", anthropic: "anthropic", google: "google", vertex: "google", bedrock: "bedrock", mistral: "mistral",
  openrouter: "openrouter", codex: "openai", compatible: "openai", unmetered: null,
};

/**
 * An end in the shape of the destination's own errors, so that its client libraries read it, show it and do not repeat it. Our own fields (code,
 * rule, reason, hint, request id) stand beside the provider's.
 * @returns null where nothing is known of the destination
 */
export function refusalFor(head: DestinationHead, { error, requestId }: RefusalCause, config: RecogniseConfig): ProviderRefusal | null {
  const shape = shapeOf(head, config);
  if (shape === null) return null;
  const own = refusalBody(error, requestId);
  const isDenied = error.outcome === "denied";
  const isBudget = isDenied && error.code.startsWith("budget.");
  const message = `${own.reason}${own.hint === null ? "" : ` ${own.hint}`} (${error.code}, request ${requestId})`;
  const { status, headers = [], body } = SHAPES[shape]({ status: ERROR_TABLE[error.code].status, isDenied, isBudget, message, own });
  const retry = isDenied ? [["x-should-retry", "false"] as const] : [];
  return { status, headers: [["content-type", "application/json"], ...retry, ...headers], body: Buffer.from(`${JSON.stringify(body)}\n`) };
}

function shapeOf(head: DestinationHead, config: RecogniseConfig): Shape | null {
  const found = recognise(head, config);
  if (found.kind === "other") return null;
  if (found.kind === "call") return BY_API[found.call.api];
  const declared = config.hosts.find(({ host }) => host === head.host);
  if (declared !== undefined) return BY_API[declared.api];
  const style = knownProvider(head.host)?.paths;
  return style === undefined ? null : BY_STYLE[style];
}

function ownFields({ own: { rule, reason, hint, request_id } }: Said): object {
  return { rule, reason, hint, request_id };
}

/** https://platform.openai.com/docs/guides/error-codes: a used-up quota is a 429 of this type. */
function openai(said: Said): Shaped {
  const { status, isBudget, message, own } = said;
  const type = isBudget ? "insufficient_quota" : status >= 500 ? "server_error" : status === 403 ? "permission_error" : "invalid_request_error";
  const code = isBudget ? "budget_exceeded" : own.error.replace(/[.-]/g, "_");
  return { status: isBudget ? 429 : status, body: { error: { message, type, param: null, code, ...ownFields(said) } } };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = { 403: "permission_error", 413: "request_too_large", 429: "rate_limit_error" };

/** https://platform.claude.com/docs/en/api/errors */
function anthropic(said: Said): Shaped {
  const { status, isBudget, message, own } = said;
  const type = isBudget ? "billing_error" : ANTHROPIC_TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { status: isBudget ? 402 : status, body: { type: "error", error: { type, message, code: own.error, ...ownFields(said) }, request_id: own.request_id } };
}

const GOOGLE_STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 408: "DEADLINE_EXCEEDED", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
};

/**
 * google.rpc.Status with ErrorInfo and QuotaFailure (https://cloud.google.com/apis/design/errors). Clients that try again after a 429 give up where
 * the quota is one of a day.
 */
function google(said: Said): Shaped {
  const { isBudget, message, own } = said;
  const status = isBudget ? 429 : said.status;
  const metadata = { rule: own.rule ?? "", reason: own.reason, hint: own.hint ?? "", request_id: own.request_id };
  const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": isBudget ? "BUDGET_EXCEEDED" : own.error, "domain": "weir", metadata };
  const violations = [{ subject: own.rule ?? own.error, description: own.reason, quotaId: "BudgetPerDayOrOtherWindow" }];
  const quota = { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations };
  const name = GOOGLE_STATUSES[status] ?? (status >= 500 ? "INTERNAL" : "FAILED_PRECONDITION");
  return { status, body: { error: { code: status, message, status: name, details: isBudget ? [info, quota] : [info] } } };
}

const AWS_TYPES: Readonly<Record<number, string>> = { 403: "AccessDeniedException", 429: "ThrottlingException" };

/** Exceptions that the AWS SDKs do not take for throttling; the status is not one that they repeat. */
function bedrock(said: Said): Shaped {
  const { isBudget, message, own } = said;
  const status = isBudget ? 400 : said.status;
  const type = isBudget ? "ServiceQuotaExceededException" : AWS_TYPES[status] ?? (status >= 500 ? "ServiceUnavailableException" : "ValidationException");
  return { status, headers: [["x-amzn-errortype", type], ["x-amzn-requestid", own.request_id]], body: { message, code: own.error, ...ownFields(said) } };
}

/** Mistral's clients repeat a 429, and no 402. */
function mistral(said: Said): Shaped {
  const { isBudget, message, own } = said;
  const type = isBudget ? "budget_exceeded" : "invalid_request_error";
  return { status: isBudget ? 402 : said.status, body: { object: "error", message, type, param: null, code: own.error, ...ownFields(said) } };
}

/** https://openrouter.ai/docs/api-reference/errors: 402 is "insufficient credits". */
function openrouter(said: Said): Shaped {
  const status = said.isBudget ? 402 : said.status;
  return { status, body: { error: { code: status, message: said.message, metadata: { error: said.own.error, ...ownFields(said) } } } };
}
