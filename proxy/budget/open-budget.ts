import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { within } from "./bounded.ts";
import type { BudgetConfig } from "./config.ts";
import { bootId } from "./journal/boot-id.ts";
import { FileJournal } from "./journal/file-journal.ts";
import { noJournal } from "./journal/journal.ts";
import { journalPath, Recovery } from "./journal/recovery.ts";
import type { BudgetEvent, LedgerContext } from "./ledger-context.ts";
import { LeasingLedger } from "./leasing-ledger.ts";
import { budgetFolder, openStore, type NamedStore, type StoreContext } from "./open-store.ts";

export interface BudgetContext extends StoreContext {
  readonly onEvent: (event: BudgetEvent) => void;
  /** The ledger of the cluster's controller; null outside of a cluster. */
  readonly controller: LedgerStore | null;
}

/** The room's one door: the ledger, and what has to be closed with it. */
export interface BudgetRoom {
  readonly ledger: LeasingLedger;
  /** All counts, for metrics: none before a budget first applied, so that nothing is started for them. Null where the controller shows them. */
  readonly counts: Pick<LedgerStore, "standings"> | null;
  close(): Promise<void>;
}

/** Proxies that are gone are settled for before the first request, unless the ledger does not answer in so long; then as soon as it does. */
const FIRST_LOOK_MS = 15_000;
const NEXT_LOOK_MS = 5_000;

/** Opens the ledger that the configuration names. Nothing is started for it before a budget first applies. @throws UserError */
export async function openBudget(config: BudgetConfig, context: BudgetContext): Promise<BudgetRoom> {
  const { clock, log, onEvent } = context;
  const { waitMs, reportIntervalMs, idleMs, leaseMs } = config.ledger;
  const parts: LedgerContext = { clock, log, onEvent, timing: { deadlineMs: waitMs, reportIntervalMs, idleSlackMs: idleMs, ttlMs: leaseMs } };
  const { name, store, warmUp } = storeFor(config, context);
  const holder = randomBytes(12).toString("hex");
  if (name === "memory") {
    const ledger = new LeasingLedger(config, { ...parts, holder, store, journal: noJournal });
    return { ledger, counts: countsOf(ledger, store), close: async () => ledger.close() };
  }
  const directory = join(budgetFolder(context.stateDirectory), "journals");
  const boot = bootId();
  const recovery = new Recovery({ ...parts, directory, ledger: name, boot, store });
  const stopRecovering = recovery.isDone ? () => undefined : await recover(recovery);
  const journal = new FileJournal(journalPath(directory, holder), { format: 1, holder, boot: boot ?? "", ledger: name });
  const ledger = new LeasingLedger(config, { ...parts, holder, store, journal, ...(warmUp === undefined ? {} : { warmUp }) });
  // The database takes seconds to make, and some hundred milliseconds to open: nobody waits for that whose budget is sure to be charged.
  if (isAlwaysCharged(config)) void ledger.wake();
  return {
    ledger, counts: name === "controller" ? null : countsOf(ledger, store),
    close: async () => {
      stopRecovering();
      await ledger.close();
      if (!recovery.isDone) await within(FIRST_LOOK_MS, recovery.look());
      recovery.close();
      await store.close();
    },
  };
}

function countsOf(ledger: LeasingLedger, store: LedgerStore): Pick<LedgerStore, "standings"> {
  return { standings: async (filter) => (ledger.health === null ? [] : store.standings(filter)) };
}

function storeFor(config: BudgetConfig, context: BudgetContext): NamedStore {
  const type = config.ledger.type ?? (context.controller === null ? "embedded" : "controller");
  if (type !== "controller") return openStore({ ...config.ledger, type }, context);
  if (context.controller === null) throw new UserError("budgets.ledger.type is controller, outside of a cluster", "Leave it out, or configure `cluster`.", EXIT.config);
  return { name: "controller", store: context.controller };
}

/** Looks at once, and again until all is settled. @returns what ends it */
async function recover(recovery: Recovery): Promise<() => void> {
  await within(FIRST_LOOK_MS, recovery.look());
  const timer = setInterval(() => {
    void recovery.look().then(() => {
      if (recovery.isDone) clearInterval(timer);
    });
  }, NEXT_LOOK_MS).unref();
  return () => { clearInterval(timer); };
}

function isAlwaysCharged({ perAgent: { requests, bytes, tokens, usd }, named }: BudgetConfig): boolean {
  return [requests, bytes, tokens, usd].some((limit) => limit !== undefined) || Object.values(named).some(({ applies }) => applies === "always");
}
