import type { Clock } from "../../common/clock.ts";
import type { Secret } from "../../common/secret.ts";
import type { EgressError } from "../errors.ts";
import type { Reservation } from "../budget/budget-ledger.ts";
import type { McpAnswer } from "../mcp/mcp.ts";
import type { Answered } from "../model/approval.ts";
import type { Decision } from "../model/decision.ts";
import type { AnswerMeter, MeteredCall, ModelUse } from "../model/metered-call.ts";
import { OpenTime } from "../model/open-time.ts";
import { isParameterName } from "../model/parameter-name.ts";
import type { Incoming } from "../model/incoming.ts";
import { recordedAgent, recordedDecision, type ExchangeRecord, type RecordedError } from "../model/record.ts";
import type { Hindsight, Noted } from "../policy/hindsight.ts";
import type { PolicyInput } from "../policy/policy-engine.ts";
import type { RequestHead } from "../model/request.ts";
import type { Usage } from "../model/usage.ts";
import type { Measured } from "./measure.ts";
import type { HeldToRead } from "./hold-body.ts";
import type { ReadRequest } from "./read-body.ts";
import { recordedModelUse } from "./recorded-model-use.ts";
import type { Redactions } from "./redactions.ts";
import type { Reserved } from "./reserve.ts";
import { scrubWords } from "./scrub.ts";

/**
 * in: Incoming · out: ExchangeDraft · never ends early · next: read-head.ts
 *
 * Opens the record before anything can fail: whatever happens to the exchange, there is something to close.
 */
export function openRecord(incoming: Incoming, clock: Clock): ExchangeDraft {
  return new ExchangeDraft(incoming, clock.nowMs(), clock.monotonicMs());
}

/** Longest text of the agent's that a record takes over, in characters. */
const TEXT_LIMIT = 2_048;

/** What is known of an exchange so far. Stages fill it in; the record of either phase is a view of it. */
export class ExchangeDraft {
  readonly incoming: Incoming;
  readonly startedAtMs: number;
  readonly #startedMonotonicMs: number;
  head: RequestHead | null = null;
  decision: Decision | null = null;
  /** What the decision was made on. */
  noted: Noted | null = null;
  #asked: PolicyInput[] = [];
  /** What was read of it before policy decided; null where its head was enough. */
  read: ReadRequest | null = null;
  /** Its body as far as it was held to be read, without content coding once it was; null where nobody had it read. */
  text: Buffer | null = null;
  /** What a person answered about it; null if nobody was asked. */
  answered: Answered | null = null;
  /** The body, where it had to be whole. */
  #held: HeldToRead | null = null;
  /** Of lent credentials: `grant@source#version`. */
  references: readonly string[] = [];
  /** Lent: no text of the record or of the log may show them. */
  secrets: readonly Secret[] = [];
  /** What was masked in the answer so far. */
  redactions: Pick<Redactions, "recorded"> = { recorded: [] };
  reservation: Reservation | null = null;
  openTime: OpenTime | null = null;
  /** A call of a model, as it is sent; null for whatever is none. */
  call: MeteredCall | null = null;
  /** True if its output was limited, to what is left or by policy. */
  isClamped = false;
  isUnmetered = false;
  /** Watches its answer, from the head on. */
  answerMeter: AnswerMeter | null = null;
  /** Filters its answer, from the head on, where that is one of an MCP server. */
  mcpAnswer: Pick<McpAnswer, "filtered"> | null = null;
  /** True once all of the answer was counted, whether or not the agent has it. */
  isAnswerWhole = false;
  /** What the call came to, once it is settled. */
  modelUse: ModelUse | null = null;
  /** True from the moment that a byte may have left. */
  isSent = false;
  status: number | null = null;
  upstreamAddress: string | null = null;
  error: EgressError | null = null;
  /** Says that the instance is no longer busy with this exchange. */
  endActivity: () => void = () => {};
  /** Body bytes, both ways. */
  requestBytes = 0;
  responseBytes = 0;

  constructor(incoming: Incoming, startedAtMs: number, startedMonotonicMs: number) {
    this.incoming = incoming;
    this.startedAtMs = startedAtMs;
    this.#startedMonotonicMs = startedMonotonicMs;
  }

  get usage(): Usage {
    return { requestBytes: this.requestBytes, responseBytes: this.responseBytes };
  }

  /** Notes a body that is read, first as it came, then without its coding: a refusal of what cannot be read answers it all the same. */
  wasHeld(text: Buffer): void {
    this.text = text;
  }

  /** Notes what policy had read of it, and that it is held. */
  wasRead(read: ReadRequest): void {
    this.read = read;
    this.head = read.head;
    this.#held = read.held;
  }

  /** Notes what a request to a model may come to. */
  measured({ call, isUnmetered, isClamped, held }: Measured): void {
    // An answer may be watched as one of MCP though nobody could read what was asked. Of all else, what is sent is all that is kept.
    if (typeof this.read?.body.report.mcp !== "string") this.text = null;
    this.#held = held;
    this.call = call;
    this.isClamped = isClamped;
    this.isUnmetered = isUnmetered;
  }

  /** Notes what is held, from now on, and the call that it is held for. */
  reserved({ reservation, call }: Reserved, clock: Clock): void {
    this.reservation = reservation;
    this.isClamped ||= call !== this.call;
    this.call = call;
    this.openTime = new OpenTime(clock.monotonicMs(), reservation, this.incoming.connection.signal);
  }

  /** Nothing of the body is needed any more. */
  release(): void {
    this.#held?.release();
    this.#held = null;
  }

  /** Notes what policy is asked. */
  readonly noteAsked = (input: PolicyInput): void => {
    this.#asked.push(input);
  };

  /** Notes what was decided on all that was asked, before a person is asked about it; or that it came to nothing, where the body could not be read. */
  decided(decision: Decision, hindsight: Hindsight): void {
    const [first, ...others] = this.#asked;
    if (first !== undefined) this.noted = hindsight.note("exchange", [first, ...others], decision);
    this.#asked = [];
    this.decision = decision;
  }

  durationMs(clock: Clock): number {
    return Math.max(0, Math.round(clock.monotonicMs() - this.#startedMonotonicMs));
  }

  toRecord(phase: ExchangeRecord["phase"], clock: Clock): ExchangeRecord {
    const { connection, exchangeId, head: raw } = this.incoming;
    const head = this.head;
    return {
      kind: "exchange", phase, exchangeId, connectionId: connection.id,
      timeMs: clock.nowMs(), agent: recordedAgent(connection.agent),
      method: head?.method ?? raw?.method.slice(0, TEXT_LIMIT) ?? null,
      scheme: connection.scheme, host: head?.host ?? null, port: connection.destination.port,
      path: head?.path ?? null, queryKeys: queryKeys(head?.query ?? null),
      httpVersion: raw?.httpVersion ?? null, userAgent: userAgent(head),
      decision: this.decision === null ? null : recordedDecision(this.decision, this.answered?.approval), credentials: this.references, redactions: this.redactions.recorded,
      outcome: this.error?.outcome ?? "allowed", error: recordedError(this.error, this.secrets),
      status: this.status, upstreamAddress: this.upstreamAddress,
      durationMs: phase === "closed" ? this.durationMs(clock) : 0, usage: this.usage,
      ...recordedModelUse(this), ...recordedFilter(this),
    };
  }

  /** What a decision was made on is kept once, when the exchange ends; and by then a shadow may have said what it would have decided. */
  withHindsight(record: ExchangeRecord): ExchangeRecord {
    if (record.decision === null || this.noted === null) return record;
    return { ...record, decision: { ...record.decision, ...this.noted.recorded(this.secrets.length === 0 ? null : (text) => scrubWords(text, this.secrets)) } };
  }
}

/** Nothing is said where nothing was taken out. What a server calls its requests may have words in it that it was shown. */
function recordedFilter({ mcpAnswer, secrets }: ExchangeDraft): Pick<ExchangeRecord, "mcpFiltered"> {
  const { hidden = 0, withheld = [] } = mcpAnswer?.filtered ?? {};
  return hidden === 0 && withheld.length === 0 ? {} : { mcpFiltered: { hidden, withheld: withheld.map((method) => scrubWords(method, secrets)) } };
}

function userAgent(head: RequestHead | null): string | null {
  return head?.headers.find(([name]) => name === "user-agent")?.[1].slice(0, TEXT_LIMIT) ?? null;
}

/** Names only: values of a query may be secrets, and what has no value is one. */
function queryKeys(query: string | null): readonly string[] {
  if (query === null || query === "") return [];
  return query.slice(0, TEXT_LIMIT).split("&").flatMap((pair) => {
    const [key = "", ...values] = pair.split("=");
    return isParameterName(key, values) ? [key] : [];
  });
}

/** The detail may have words of the destination in it, which was shown the secrets. */
function recordedError(error: EgressError | null, secrets: readonly Secret[]): RecordedError | null {
  if (error === null) return null;
  const { code, message, explanation } = error;
  const detail = scrubWords(message, secrets);
  return explanation === undefined ? { code, detail } : { code, detail, rule: explanation.rule, reason: explanation.reason, hint: explanation.hint };
}
