import type { Scope } from "../../common/ledger/account-key.ts";
import type { Threshold, Window } from "../../common/ledger/account.ts";
import type { MeterName } from "../../common/meters.ts";

/** A budget as the cluster's resources and the installation's configuration say it now: newer than what any node proxy may still know. */
export interface KnownBudget {
  /** `namespace.name`, or a name without a dot for one of the installation. */
  readonly id: string;
  /** Null: the installation's. */
  readonly namespace: string | null;
  readonly name: string;
  readonly meter: MeterName;
  readonly limit: bigint;
  readonly window: Window;
  /** IANA name. */
  readonly timezone: string;
  readonly per: Scope;
  /** Id; null if nothing is above it. */
  readonly parent: string | null;
  readonly thresholds: readonly Threshold[];
}

/** The budgets that are in force. */
export interface KnownBudgets {
  find(id: string): KnownBudget | null;
  /** By id. */
  all(): readonly KnownBudget[];
}
