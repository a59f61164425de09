import { readAccountKey } from "../../../common/ledger/account-key.ts";
import type { Adjustment, LedgerStore, Standing } from "../../../common/ledger/ledger-store.ts";
import { openPostgresLedger } from "../../../common/ledger/open-ledger.ts";
import { silentLog } from "../../../common/log.ts";
import type { LedgerView } from "./judge.ts";

const MOST_ACCOUNTS = 10_000;
/** Its own connections are told apart by their name: they are not cut. */
const CONNECTION = { applicationName: "judge", maxConnections: 2, connectTimeoutMs: 2_000, statementTimeoutMs: 5_000 };

/** The ledger as the proof reads it, and the caps as the proof itself has set them: what the ledger says of a limit is not believed. */
export class LedgerBook {
  readonly #store: LedgerStore;
  readonly #configured: Readonly<Record<string, bigint>>;
  readonly #added = new Map<string, bigint>();
  readonly problems: string[] = [];
  /** One after another: what is read while a limit is raised is of neither moment. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(store: LedgerStore, configured: Readonly<Record<string, bigint>>) {
    this.#store = store;
    this.#configured = configured;
  }

  /** @param configured limit of each budget, in nano-dollars */
  static async open(url: string, configured: Readonly<Record<string, bigint>>): Promise<LedgerBook> {
    return new LedgerBook(await openPostgresLedger(url, CONNECTION, silentLog), configured);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async read(): Promise<readonly LedgerView[]> {
    return this.#inTurn(async () => (await this.#store.standings({ limit: MOST_ACCOUNTS })).map((standing) => this.#view(standing)));
  }

  async topUp(budget: string, amount: bigint): Promise<void> {
    await this.#inTurn(async () => this.#add(budget, amount));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #add(budget: string, amount: bigint): Promise<void> {
    const adjustment: Adjustment = { budget, kind: "topup", amount, by: "proof", why: "the next round" };
    for (const { account } of await this.#store.adjust(adjustment)) {
      const payer = payerOf(account.key);
      this.#added.set(payer, (this.#added.get(payer) ?? 0n) + amount);
    }
  }

  #view({ account, limit, settled, estimated, outstanding, lost }: Standing): LedgerView {
    const payer = payerOf(account.key);
    const own = (this.#configured[account.budget] ?? 0n) + (this.#added.get(payer) ?? 0n);
    if (own !== limit) this.problems.push(`the ledger takes ${limit} for the limit of ${payer}, which is ${own}`);
    return { payer, limit: own, settled, estimated, outstanding, lost };
  }
}

/** As the stand-in's books call it. */
function payerOf(key: string): string {
  const name = readAccountKey(key);
  return name === null ? key : [name.budget, ...name.shared].join("/");
}
