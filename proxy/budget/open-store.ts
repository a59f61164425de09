import { join } from "node:path";
import type { Clock } from "../../common/clock.ts";
import { LazyStore } from "../../common/ledger/lazy-store.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { MachineLedger } from "../../common/ledger/machine-ledger.ts";
import { openMemoryLedger } from "../../common/ledger/memory-store.ts";
import { openPostgresLedger } from "../../common/ledger/open-ledger.ts";
import type { Log } from "../../common/log.ts";
import { readPostgresUrl } from "../../common/sql/postgres-url.ts";
import type { LedgerConfig } from "./ledger-config.ts";

export interface StoreContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly stateDirectory: string;
}

/** A store, and what tells it from others: slices of one are unknown to another. */
export interface NamedStore {
  readonly name: string;
  readonly store: LedgerStore;
  /** Opens it ahead of the first call. @throws LedgerUnavailable */
  readonly warmUp?: () => Promise<void>;
}

/** Where this proxy keeps what has to outlive it: the database of the machine, and journals. */
export function budgetFolder(stateDirectory: string): string {
  return join(stateDirectory, "budget");
}

/**
 * The store that the configuration of one machine names, `embedded` where it names none; opened when it is first asked. For proxies, and for the
 * operator's tool beside them.
 * @throws UserError if the file with the URL is unfit
 */
export function openStore(config: LedgerConfig, { clock, log, stateDirectory }: StoreContext): NamedStore {
  const { type = "embedded", leaseMs, urlFile } = config;
  if (type === "memory") return { name: "memory", store: openMemoryLedger({ clock, ttlMs: leaseMs }) };
  if (type === "postgres" && urlFile !== undefined) {
    const url = readPostgresUrl(urlFile);
    const settings = { ...config, applicationName: "weir-proxy" };
    const options = { clock, ttlMs: leaseMs, deadlineMs: config.waitMs };
    return { name: "postgres", store: new LazyStore(async () => openPostgresLedger(url, settings, log, options), log) };
  }
  const store = new MachineLedger(budgetFolder(stateDirectory), { ttlMs: leaseMs }, log);
  return { name: "embedded", store, warmUp: async () => store.open() };
}
