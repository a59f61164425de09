import type { Amounts } from "../../common/meters.ts";
import type { Reservation } from "../budget/budget-ledger.ts";
import { EgressError } from "../errors.ts";
import type { Screened } from "../model/connection.ts";
import { FIRST_SECONDS, OpenTime } from "../model/open-time.ts";
import { amountsOf, type Usage } from "../model/usage.ts";
import type { Rooms } from "../rooms.ts";

type Tollhouse = Pick<Rooms, "budget" | "clock">;

const TICK_MS = 1_000;

/** What a tunnel or a session is charged: one request, one connection, its bytes, and its time, held a step ahead of the clock. */
export class Toll {
  readonly reservation: Reservation;
  readonly #time: OpenTime;
  readonly #clock: Rooms["clock"];

  /** @throws EgressError `budget.exhausted`, `budget.unavailable` */
  static async take({ id, agent, decision, signal }: Screened, { budget, clock }: Tollhouse): Promise<Toll> {
    const amounts: Amounts = { requests: 1n, connections: 1n, seconds: FIRST_SECONDS };
    const reservation = await budget.reserve({ id, agent, budgets: decision.budgets, amounts }, signal);
    return new Toll(reservation, new OpenTime(clock.monotonicMs(), reservation, signal), clock);
  }

  private constructor(reservation: Reservation, time: OpenTime, clock: Rooms["clock"]) {
    this.reservation = reservation;
    this.#time = time;
    this.#clock = clock;
  }

  /** Has the end told when the time is used up. @returns a function that ends the watch; call it in `finally` */
  watch(end: (reason: EgressError) => void): () => void {
    const timer = setInterval(() => {
      if (!this.#time.tick(this.#clock.monotonicMs())) end(this.refusal("seconds"));
    }, TICK_MS);
    return () => { clearInterval(timer); };
  }

  /** The refusal to cut with, after there was no more. @param meter of which there was none */
  refusal(meter: "bytes" | "seconds"): EgressError {
    return this.reservation.refusal ?? new EgressError("budget.exhausted", `a limit of ${meter} was used up inside a tunnel`);
  }

  /** Charges what it came to, or nothing if no byte can have left. */
  async settle({ hasBegun, usage }: { readonly hasBegun: boolean; readonly usage: Usage }): Promise<void> {
    const seconds = this.#time.seconds(this.#clock.monotonicMs());
    await (hasBegun ? this.reservation.settle({ ...amountsOf(usage), connections: 1n, seconds }) : this.reservation.release());
  }
}

/**
 * Counts a connection that is let through to be read, where a budget counts connections: its requests are charged by themselves.
 * @throws EgressError `budget.exhausted`, `budget.unavailable`
 */
export async function countConnection({ id, agent, decision: { budgets }, signal }: Screened, { budget }: Pick<Rooms, "budget">): Promise<void> {
  if (!isCounted({ agent, budgets }, budget)) return;
  const reservation = await budget.reserve({ id, agent, budgets, amounts: { connections: 1n } }, signal);
  await reservation.settle({ connections: 1n });
}

/** A budget that does not exist is told to each request, which can be answered in words. */
function isCounted(payer: Parameters<Rooms["budget"]["metersFor"]>[0], budget: Rooms["budget"]): boolean {
  try {
    return budget.metersFor(payer).has("connections");
  } catch {
    return false;
  }
}
