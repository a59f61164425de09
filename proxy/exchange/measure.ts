import type { Readable } from "node:stream";
import { MODEL_METERS, type MeterName } from "../../common/meters.ts";
import { EgressError, type Explanation } from "../errors.ts";
import type { Recognised } from "../metering/metering.ts";
import type { Allow } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import type { MeteredCall } from "../model/metered-call.ts";
import type { RequestHead } from "../model/request.ts";
import { heldAlready, holdBody, NO_BODY, type HeldToRead, type HoldLimit } from "./hold-body.ts";
import type { ReadRequest } from "./read-body.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/** A request, with what policy had read of it; null where it decided by the head alone. */
export interface Measurable {
  readonly head: RequestHead;
  readonly read: ReadRequest | null;
}

/** What is known of a request's cost before it is sent. */
export interface Measured {
  /** Null for whatever is no call of a model, or none that can be read. */
  readonly call: MeteredCall | null;
  /** True for what goes to a provider of models and cannot be counted. */
  readonly isUnmetered: boolean;
  /** True if policy limited its output. */
  readonly isClamped: boolean;
  /** The body, which had to be whole; null if it streams by, or there is none. Release it when the exchange is over. */
  readonly held: HeldToRead | null;
  /** Bytes of what was read of it for policy, and stays. */
  readonly readingBytes: number;
}

/**
 * in: RequestHead, Allow · out: Measured · ends early with: budget.unmeasurable, budget.upgrade, budget.unavailable, policy.denied, request.* · next: reserve.ts
 *
 * Reads a request to a model, so that its worst case is known before a byte of it leaves. What cannot be counted is refused where a budget or
 * the policy counts on it, and passes on record where none does. Whoever sends to no provider of models waits for nothing here.
 * @param request with the body that policy had read, which is not held or read twice
 */
export async function measure({ head, read: before }: Measurable, allow: Allow, incoming: Incoming, path: ExchangePath): Promise<Measured> {
  const noCall: Measured = { call: null, isUnmetered: false, isClamped: false, held: before?.held ?? null, readingBytes: before?.readingBytes ?? 0 };
  const destination = path.rooms.metering.recognise(head);
  if (destination.kind === "other" || destination.kind === "free") return noCall;
  const binding = bindingMeters(allow, incoming, path);
  if (destination.kind !== "call" || head.upgrade !== null) {
    if (binding.size > 0) throw head.upgrade === null ? unmeasurable(NOT_READ) : new EgressError("budget.upgrade", "a WebSocket to a model", { explanation: NO_WEB_SOCKET });
    return { ...noCall, isUnmetered: true };
  }
  const held = await hold({ recognised: destination.call, head, before }, { allow, incoming }, path);
  try {
    const asked = await read({ recognised: destination.call, head, before }, { held, allow, binding }, path);
    const call = asked === null ? null : withinObligation(asked, allow);
    return { ...noCall, call, isUnmetered: call === null, isClamped: call !== asked, held };
  } catch (error) {
    // What was held for policy is let go of with the exchange.
    if (before === null) held.release();
    throw error;
  }
}

/** What of the use of models has to be known: the meters of budgets, and output where policy limits it. */
function bindingMeters({ budgets, obligations }: Allow, { connection: { agent } }: Incoming, { rooms: { budget } }: ExchangePath): ReadonlySet<MeterName> {
  const binding = new Set([...budget.metersFor({ agent, budgets })].filter((meter) => MODEL_METERS.has(meter)));
  return obligations.maxOutputTokens === undefined ? binding : binding.add("output-tokens");
}

/** A request to a model. */
interface ToModel {
  readonly recognised: Recognised;
  readonly head: RequestHead;
  readonly before: ReadRequest | null;
}

async function hold({ recognised, head: { framing }, before }: ToModel, { allow, incoming }: { readonly allow: Allow; readonly incoming: Incoming }, path: ExchangePath): Promise<HeldToRead> {
  const { body } = incoming;
  const bytes = Math.min(recognised.bodyLimitBytes, allow.obligations.maxRequestBytes ?? Number.POSITIVE_INFINITY);
  const limit: HoldLimit = { bytes, rule: allow.rule, because: "What this request may cost has to be known before it is sent", setting: "metering.bodyLimitBytes" };
  if (before !== null) {
    heldAlready(before.held.bytes, limit);
    return before.held;
  }
  if (framing.kind === "none" || body === null) return NO_BODY;
  return await holdBody({ ...incoming, body }, framing.kind === "length" ? framing.bytes : null, limit, path);
}

interface Reading {
  readonly held: HeldToRead;
  readonly allow: Allow;
  readonly binding: ReadonlySet<MeterName>;
}

/** @returns null for a body that nobody understands, where nothing depends on it: the destination may judge it */
async function read(request: ToModel, { held, allow, binding }: Reading, { rooms: { metering } }: ExchangePath): Promise<MeteredCall | null> {
  try {
    const asSent = readBefore(request, allow) ?? await metering.read(request.recognised, request.head, { body: held.bytes, grants: allow.grants, take: (bytes) => { held.take(bytes); } });
    const call = isKnown(asSent, binding) ? asSent : asSent.bounded();
    if (!isKnown(call, binding)) throw unmeasurable(call.unbounded ?? NOT_READ);
    return call;
  } catch (error) {
    if (!(error instanceof EgressError) || error.code !== "request.malformed") throw error;
    if (binding.size > 0) throw unmeasurable(error.explanation ?? { ...NOT_READ, reason: `${NOT_READ.reason} (${error.message})` });
    return null;
  }
}

/** @throws EgressError `request.malformed` as it was thrown then @returns null if it was not read */
function readBefore({ before }: ToModel, { grants }: Allow): MeteredCall | null {
  const made = before?.call ?? null;
  if (made === null) return null;
  if (made.kind === "unread") throw made.error;
  return made.call.lent(grants);
}

/** Whether the worst case is known of all that counts: a budget of tokens does not ask for a price, nor one of dollars what is written for a plan. */
function isKnown({ worstCase }: MeteredCall, binding: ReadonlySet<MeterName>): boolean {
  return [...binding].every((meter) => worstCase[meter] !== undefined);
}

/** Policy's own limit of output. @throws EgressError `policy.denied` for an API that has none */
function withinObligation(call: MeteredCall, { obligations: { maxOutputTokens: most }, rule }: Allow): MeteredCall {
  const { worstCase: { "output-tokens": output = 0n }, facts: { maxOutputTokens: asked } } = call;
  if (most === undefined || output === 0n || (asked !== null && asked <= most)) return call;
  const limited = call.clamp({ "output-tokens": BigInt(most) }, 1);
  if (limited !== null) return limited;
  const reason = `at most ${most} output tokens are allowed, and this request cannot be limited to them`;
  throw new EgressError("policy.denied", reason, { explanation: { rule, reason, hint: "Ask for fewer output tokens in the request itself." } });
}

/** The request as it will be sent, before any credential joins it: body whole or as it streams. */
export interface Sending {
  readonly head: RequestHead;
  readonly body: Buffer | Readable | null;
}

/** They speak of the body byte for byte, as it was. */
const OF_OLD_BODY = new Set(["content-encoding", "content-md5", "digest", "content-digest"]);
/** They make an answer that cannot be counted: encoded, or a part. */
const HIDES_ANSWER = new Set(["accept-encoding", "range", "if-range"]);

/**
 * What becomes of a request by its measure: the call's own body, and an answer asked for that can be read.
 * @param call as reserved, perhaps limited
 * @throws EgressError `request.body-limit` if there is no room for the body as it leaves
 */
export function toSending(head: RequestHead, { held, readingBytes }: Measured, call: MeteredCall | null, streamed: Readable | null): Sending {
  if (held === null) return { head, body: streamed };
  const body = call?.body ?? held.bytes;
  // The answer may stream for an hour: until then, what leaves is all that is kept.
  call?.forgetText();
  held.keep(body, readingBytes);
  const framing = body.byteLength === 0 ? { kind: "none" as const } : { kind: "length" as const, bytes: body.byteLength };
  const whole = { ...head, framing };
  if (call === null) return { head: whole, body: body.byteLength === 0 ? null : body };
  const kept = head.headers.filter(([name]) => !HIDES_ANSWER.has(name) && (call.body === null || !OF_OLD_BODY.has(name)));
  return { head: { ...whole, headers: [...kept, ["accept-encoding", "identity"]] }, body: body.byteLength === 0 ? null : body };
}

const NOT_READ: Explanation = {
  rule: "budget.models", reason: "this request goes to a provider of models, and nothing can tell what it may cost",
  hint: "Use an API whose use can be counted; docs/metering.md lists them. Or have it charged to no budget of tokens or dollars.",
};
const NO_WEB_SOCKET: Explanation = {
  rule: "budget.models", reason: "a budget counts tokens or dollars, and what flows in a WebSocket to a model cannot be counted",
  hint: "Send the same requests over HTTP: an answer may stream as events.",
};

function unmeasurable(explanation: Explanation): EgressError {
  return new EgressError("budget.unmeasurable", explanation.reason, { explanation });
}
