import { describeAmount, METERS, type Amounts } from "../../common/meters.ts";
import type { Charge, Reservation } from "../budget/budget-ledger.ts";
import { EgressError } from "../errors.ts";
import type { Allow } from "../model/decision.ts";
import type { Incoming } from "../model/incoming.ts";
import type { MeteredCall } from "../model/metered-call.ts";
import { FIRST_SECONDS } from "../model/open-time.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rooms } from "../rooms.ts";

/** What is held, and the call that it is held for: its output may have been limited to what is left. */
export interface Reserved {
  readonly reservation: Reservation;
  readonly call: MeteredCall | null;
}

/** What is to be sent, as far as it was read. */
interface Request {
  readonly head: RequestHead;
  readonly call: MeteredCall | null;
}

/** What is left may be gone before it is reserved: others take of it too. */
const CLAMP_LIMIT = 3;

type Asking = Pick<Rooms, "budget" | "metering">;

/**
 * in: Allow, Measured · out: Reserved · ends early with: budget.exhausted, budget.unavailable, request.body-limit · next: inject.ts
 *
 * Holds the most that the exchange may use before anything is done for it. Where that is more than is left, the output of a model is limited
 * to what is. A body that says itself that it is too large costs nothing.
 */
export async function reserve({ head: { framing }, call }: Request, allow: Allow, incoming: Incoming, rooms: Asking): Promise<Reserved> {
  const limitBytes = allow.obligations.maxRequestBytes;
  if (limitBytes !== undefined && framing.kind === "length" && framing.bytes > limitBytes) {
    throw new EgressError("request.body-limit", `content-length ${framing.bytes} over the limit of ${limitBytes} bytes`);
  }
  const { exchangeId: id, connection: { agent, signal } } = incoming;
  const payer = { agent, budgets: allow.budgets };
  let asked = call;
  for (let clamps = 0; ; clamps += 1) {
    try {
      return { reservation: await rooms.budget.reserve({ ...payer, id, amounts: amountsFor(asked) }, signal), call: asked };
    } catch (error) {
      if (asked === null || !(error instanceof EgressError) || error.code !== "budget.exhausted") throw error;
      const left = await rooms.budget.headroom(payer, signal);
      const smaller = clamps < CLAMP_LIMIT ? clamp(asked, left, allow, rooms) : null;
      if (smaller === null || smaller === asked) throw withAmounts(error, asked.worstCase, left);
      asked = smaller;
    }
  }
}

function amountsFor(call: MeteredCall | null): Charge["amounts"] {
  return { ...call?.worstCase, requests: 1n, seconds: FIRST_SECONDS };
}

/** The same call within what is left; null where it is not to be limited, or not enough would be left of it. */
function clamp(call: MeteredCall, left: Amounts, { obligations }: Allow, { metering: { shortage } }: Asking): MeteredCall | null {
  return (obligations.whenShort ?? shortage.whenShort) === "clamp" ? call.clamp(left, shortage.leastOutputTokens) : null;
}

/** The refusal, with what was asked for and what is left of each meter that counts: whoever reads it can ask for less. */
function withAmounts(error: EgressError, asked: Amounts, left: Amounts): EgressError {
  const { explanation, message, opensAtMs } = error;
  const short = METERS.filter((meter) => (left[meter] ?? 0n) < (asked[meter] ?? 0n) && left[meter] !== undefined);
  if (explanation === undefined || short.length === 0) return error;
  const needs = short.map((meter) => `${describeAmount(meter, asked[meter] ?? 0n)} (${describeAmount(meter, left[meter] ?? 0n)} left)`).join(", ");
  return new EgressError("budget.exhausted", message, { cause: error, opensAtMs, explanation: { ...explanation, reason: `${explanation.reason}; this request may come to ${needs}` } });
}
