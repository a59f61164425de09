import type { MeteredCall } from "../model/metered-call.ts";
import type { HeaderList } from "../model/request.ts";
import type { MeteringConfig } from "./config.ts";
import { boundInput } from "./input-bound.ts";
import type { HeldBody } from "./metering.ts";
import { leastInput } from "./least-input.ts";
import type { Price, Pricing } from "./pricing.ts";
import type { ModelRoute } from "./recognise.ts";
import { RequestCall } from "./request-call.ts";
import { RequestText } from "./request-text.ts";
import { decodeForMeters } from "./requests/decode-body.ts";
import { readRequest } from "./requests/read-request.ts";

/** A request on its way to be read. */
export interface HeldRequest extends HeldBody {
  readonly headers: HeaderList;
}

/**
 * Reads a whole request to a model and bounds what it may use.
 * @throws EgressError `request.malformed`, `request.body-limit` for a coded body that is too large
 */
export async function readCall(route: ModelRoute, request: HeldRequest, pricing: Pricing, config: MeteringConfig): Promise<MeteredCall> {
  const { headers, body, take } = request;
  const text = await decodeForMeters(headers, body, { bytes: route.bodyLimitBytes, take });
  const reading = await readRequest(text, { route, headers });
  const prices = reading.models.map((model) => priceOf(route, aliased(model, config), pricing));
  const input = boundInput(reading, text.byteLength, prices, config);
  const isFreeOn = (grants: readonly string[]) => route.declared?.price === "free" || isSubscription(route, { headers, grants }, config);
  return new RequestCall({
    route, reading, source: new RequestText(text), wasEncoded: text !== body, textBytes: text.byteLength, input, leastInput: leastInput(text, reading),
    toolCalls: null, prices, isFree: isFreeOn(request.grants), isFreeOn, pricing, config,
  }, reading.perChoice);
}

function aliased(model: string, { aliases }: MeteringConfig): string {
  return Object.hasOwn(aliases, model) ? aliases[model] ?? model : model;
}

/** Google's OpenAI API puts a publisher before the model. */
function priceOf({ provider, declared }: ModelRoute, model: string, pricing: Pricing): Price | null {
  const name = provider === "google" ? model.replace(/^(?:google|models)\//, "") : model;
  return typeof declared?.price === "object" ? pricing.flat(provider, name, declared.price) : pricing.find(provider, name);
}

/**
 * Whether a plan pays. The operator says it of grants; the agent's own key of a plan at Anthropic shows it, but only where it is the only key: with
 * another beside it, nobody knows who pays.
 */
function isSubscription(route: ModelRoute, { headers, grants }: Pick<HeldRequest, "headers" | "grants">, { subscriptions }: MeteringConfig): boolean {
  if (route.isSubscription) return true;
  if (grants.length > 0) return grants.every((grant) => subscriptions.includes(grant));
  const keys = headers.filter(([name]) => name === "authorization" || name === "x-api-key");
  return route.provider === "anthropic" && keys.length === 1 && /^Bearer sk-ant-oat/i.test(keys[0]?.[1] ?? "");
}
