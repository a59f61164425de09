import { EgressError } from "../errors.ts";
import type { MeteredCall } from "../model/metered-call.ts";
import type { LlmReading } from "../model/readings.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";
import type { BodyToRead } from "../readings/readings.ts";

/** What the meters made of a body, so that it is unpacked and read once: a call, or why it is none that can be read. */
export type ModelCallRead = { readonly kind: "call"; readonly call: MeteredCall } | { readonly kind: "unread"; readonly error: EgressError };

/** The same as policy sees it. */
export interface LlmRead {
  /** Null where this goes to no model. */
  readonly call: ModelCallRead | null;
  /** Null if it was read, else why not. */
  readonly report: string | null;
  /** One for each model that may answer: a request may name several, and each must be allowed. */
  readonly readings: readonly LlmReading[];
}

/**
 * Has the meters read a request to a model, for policy; measure.ts takes it up from here. What nobody can count is not read either.
 * @throws EgressError `request.body-limit`
 */
export async function readModelCall(head: RequestHead, body: BodyToRead, { metering }: Pick<Rooms, "metering">): Promise<LlmRead> {
  const destination = metering.recognise(head);
  const reason = head.upgrade === null ? destination.kind : "upgrade";
  if (destination.kind !== "call" || reason === "upgrade") return { call: null, report: NO_CALL[reason], readings: [] };
  try {
    const call = await metering.read(destination.call, head, { body: body.body, grants: [], take: withinLimit(body) });
    return { call: { kind: "call", call }, report: null, readings: readingsOf(call) };
  } catch (error) {
    if (!(error instanceof EgressError) || error.code !== "request.malformed") throw error;
    return { call: { kind: "unread", error }, report: error.message, readings: [] };
  }
}

const NO_CALL = {
  call: "a call that was not read", free: "it costs nothing and asks no model", unmetered: "nothing is known of this API of a provider",
  other: "it goes to no provider of models", upgrade: "what flows in a WebSocket is not read",
} as const;

function readingsOf({ facts: { api, provider, isStream, maxOutputTokens }, models, tools, unread }: MeteredCall): LlmReading[] {
  const rest = { stream: isStream, max_output_tokens: maxOutputTokens, tools, ...(unread.length === 0 ? {} : { unread }) };
  return models.map((model) => ({ api, provider, model, ...rest }));
}

/** Policy's limit is of the unpacked body too. */
function withinLimit({ limitBytes, take }: BodyToRead): (bytes: number) => void {
  let unpacked = 0;
  return (bytes) => {
    unpacked += bytes;
    if (unpacked > limitBytes) throw new EgressError("request.body-limit", `a coded body that unpacks to more than ${limitBytes} bytes`);
    take(bytes);
  };
}
