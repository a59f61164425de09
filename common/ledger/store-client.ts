import { AmountUnfit, ClaimRefused, LedgerUnavailable, type LedgerStore } from "./ledger-store.ts";
import { LEDGER_CALLS, readWire, writeWire, type Answered, type Asked, type LedgerCall } from "./wire.ts";

/** A way to somebody who answers calls of the protocol. */
export interface LedgerLine {
  /**
   * Sends one call.
   * @param body JSON
   * @returns status and body of the answer, of at most ANSWER_LIMIT_BYTES
   * @throws anything, if no answer came in time
   */
  send(call: LedgerCall, body: string): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

/** A store at the other end of a line. Whatever is wrong with an answer, nothing is concluded from it. */
export function storeOverLine(line: LedgerLine): LedgerStore {
  return {
    acquire: async (holder, claims) => ask(line, "acquire", { holder, claims: [...claims] }),
    report: async (holder, reports) => ask(line, "report", { holder, reports: [...reports] }),
    slicesOf: async (holder) => ask(line, "slices", { holder }),
    standings: async ({ keys, ...filter }) => ask(line, "standings", { filter: { ...filter, ...(keys === undefined ? {} : { keys: [...keys] }) } }),
    adjust: async (adjustment) => ask(line, "adjust", { adjustment }),
    close: async () => line.close(),
  };
}

/** The same as what is asked, as its sender may hold it. */
type Asking<T> = T extends bigint ? bigint : { readonly [K in keyof T]: Asking<T[K]> };

async function ask<C extends LedgerCall>(line: LedgerLine, call: C, asked: Asking<Asked<C>>): Promise<Answered<C>> {
  const answer = await line.send(call, writeWire(asked)).catch((cause: unknown) => { throw unavailable(`no answer to ${call}`, cause); });
  if (answer.status === 422) throw new AmountUnfit();
  if (answer.status === 409) throw new ClaimRefused(`the ledger refused ${call}`);
  if (answer.status !== 200) throw unavailable(`${call} was answered with status ${answer.status}`);
  const read = readWire(LEDGER_CALLS[call].answers, answer.body);
  if (read === null) throw unavailable(`the answer to ${call} is not acceptable`);
  return read as Answered<C>;
}

function unavailable(what: string, cause?: unknown): LedgerUnavailable {
  return new LedgerUnavailable(what, cause === undefined ? {} : { cause });
}
