import { describeError } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { AmountUnfit, ClaimRefused, LedgerUnavailable, type LedgerStore } from "./ledger-store.ts";
import { isLedgerCall, LEDGER_CALLS, readWire, writeWire, type Asked, type LedgerCall } from "./wire.ts";

/** What a caller may do; who it is was found out by whoever took the call. */
export interface CallerRights {
  readonly calls: ReadonlySet<LedgerCall>;
  /** Whether it may speak for this holder. */
  readonly isHolder: (holder: string) => boolean;
  /** It sees how counts stand only by naming their keys, which whoever is charged to them knows. */
  readonly seesOnlyNamed?: boolean;
}

/** For whoever can open the state directory: they could write the database itself. */
export const OWNER_RIGHTS: CallerRights = { calls: new Set(Object.keys(LEDGER_CALLS) as LedgerCall[]), isHolder: () => true };

export interface LedgerReply {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422 | 500 | 503;
  /** JSON. Never the words of the store. */
  readonly body: string;
}

const ANSWERS: { readonly [C in LedgerCall]: (store: LedgerStore, asked: Asked<C>) => Promise<unknown> } = {
  acquire: async (store, { holder, claims }) => store.acquire(holder, claims),
  report: async (store, { holder, reports }) => store.report(holder, reports),
  slices: async (store, { holder }) => store.slicesOf(holder),
  standings: async (store, { filter }) => store.standings(filter),
  adjust: async (store, { adjustment }) => store.adjust(adjustment),
};

/**
 * Answers one call of the protocol of ledgers, whatever it came by: a Unix socket of one machine, TLS in a cluster. Never throws.
 * @param call its name, as the path ends
 * @param body at most CALL_LIMIT_BYTES, which the caller has seen to
 */
export async function answerLedgerCall(store: LedgerStore, { call, body }: { readonly call: string; readonly body: string }, rights: CallerRights, log: Log): Promise<LedgerReply> {
  if (!isLedgerCall(call)) return refusal(404, "there is no such call");
  if (!rights.calls.has(call)) return refusal(403, "the caller may not do this");
  return answerOf(store, { call, body }, rights, log);
}

async function answerOf<C extends LedgerCall>(store: LedgerStore, { call, body }: { readonly call: C; readonly body: string }, rights: CallerRights, log: Log): Promise<LedgerReply> {
  const asked = readWire(LEDGER_CALLS[call].asks, body);
  if (asked === null) return refusal(400, "the call is malformed");
  if ("holder" in asked && !rights.isHolder(asked.holder)) return refusal(403, "the caller is not this holder");
  if (rights.seesOnlyNamed === true && "filter" in asked && asked.filter.keys === undefined) return refusal(403, "the caller may not do this");
  try {
    return { status: 200, body: writeWire(await ANSWERS[call](store, asked as Asked<C>)) };
  } catch (error) {
    if (error instanceof AmountUnfit) return refusal(422, error.message);
    if (error instanceof ClaimRefused) {
      log.warn("ledger.claim-refused", { error: error.message });
      return refusal(409, "the ledger does not count this");
    }
    const isDown = error instanceof LedgerUnavailable;
    log[isDown ? "warn" : "error"]("ledger.call-failed", { call, error: describeError(error) });
    return isDown ? refusal(503, "the ledger does not answer") : refusal(500, "the ledger failed");
  }
}

function refusal(status: LedgerReply["status"], error: string): LedgerReply {
  return { status, body: JSON.stringify({ error }) };
}
