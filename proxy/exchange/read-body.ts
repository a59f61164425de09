import { EgressError } from "../errors.ts";
import type { Decision, Read } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import type { McpAsked } from "../model/mcp-asked.ts";
import type { BodyRead, LlmReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import { agree, type PartDecision } from "./agree.ts";
import { decideAll, type Deciders } from "./decide.ts";
import { holdBody, NO_BODY, type HeldToRead } from "./hold-body.ts";
import { readModelCall, type ModelCallRead } from "./read-model-call.ts";
import type { ExchangeDraft } from "./open-record.ts";
import type { ExchangePath } from "./serve-exchange.ts";

/** A request whose body was read because policy asked for it. It stays as it is until it is sent: what was read is what leaves. */
export interface ReadRequest {
  /** With the length that is known now. */
  readonly head: RequestHead;
  /** Release it when the exchange is over. */
  readonly held: HeldToRead;
  readonly body: BodyRead;
  /** What its messages of the Model Context Protocol ask for; null where none were read. */
  readonly asked: McpAsked | null;
  /** What the meters made of it; null where policy did not ask for `llm`, or this goes to no model. */
  readonly call: ModelCallRead | null;
  /** Bytes that the readings take themselves: they are kept until the exchange is over, to ask again with. */
  readonly readingBytes: number;
}

/**
 * in: RequestHead, Read · out: ReadRequest · ends early with: request.malformed, request.body-limit, request.timeout, relay.aborted · next: decide.ts, for each part
 *
 * Holds the body back and reads it in the ways that policy asked for. Nothing has left, and nothing was lent.
 */
export async function readBody(head: RequestHead, asked: Read, draft: Pick<ExchangeDraft, "incoming" | "wasHeld">, path: ExchangePath): Promise<ReadRequest> {
  const held = await hold(head, asked, draft.incoming, path);
  try {
    draft.wasHeld(held.bytes);
    const counted = new Counted(held);
    const toRead = { body: held.bytes, limitBytes: asked.maxBytes, take: counted.take };
    const { text, asked: messages, ...body } = await path.rooms.readings.read(asked.readings.filter((name) => name !== "llm"), head, toRead);
    draft.wasHeld(text);
    const whole = { ...head, framing: held.bytes.byteLength === 0 ? { kind: "none" as const } : { kind: "length" as const, bytes: held.bytes.byteLength } };
    const read = { head: whole, held, body, asked: messages, call: null, readingBytes: counted.bytes };
    if (!asked.readings.includes("llm")) return read;
    const { call, report, readings } = await readModelCall(head, { ...toRead, take: (bytes) => { held.take(bytes); } }, path.rooms);
    return { ...read, call, body: { ...body, report: { ...body.report, llm: report }, parts: forEachModel(body.parts, readings) } };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Asks policy about all parts of a body at once. @throws EgressError `policy.unavailable` if it still does not decide */
export async function decideRead({ head, body: { report, parts } }: Pick<ReadRequest, "head" | "body">, connection: Incoming["connection"], rooms: Deciders): Promise<PartDecision> {
  const decisions = await decideAll(head, connection, rooms, parts.map((part) => ({ read: report, ...part })));
  return agree(decisions.map(requireDecided));
}

/** @throws EgressError `policy.unavailable` for `read`, once more */
export function requireDecided(decision: Decision): PartDecision {
  if (decision.kind === "read") throw new EgressError("policy.unavailable", "the policy asks to read what was read");
  return decision;
}

async function hold({ framing }: RequestHead, { maxBytes, rule }: Read, incoming: Incoming, path: ExchangePath): Promise<HeldToRead> {
  const { body } = incoming;
  if (framing.kind === "none" || body === null) return NO_BODY;
  const limit = { bytes: maxBytes, rule, because: "The policy reads this request before it decides", setting: "max_read_bytes of the policy's entry" };
  return await holdBody({ ...incoming, body }, framing.kind === "length" ? framing.bytes : null, limit, path);
}

/** A request that names several models is asked about once for each. */
function forEachModel(parts: BodyRead["parts"], readings: readonly LlmReading[]): BodyRead["parts"] {
  return readings.length === 0 ? parts : parts.flatMap((part) => readings.map((llm) => ({ ...part, llm })));
}

/** Counts what the readings take. */
class Counted {
  readonly #held: HeldToRead;
  bytes = 0;

  constructor(held: HeldToRead) {
    this.#held = held;
  }

  /** @throws EgressError `request.body-limit` */
  readonly take = (bytes: number): void => {
    this.#held.take(bytes);
    this.bytes += bytes;
  };
}
