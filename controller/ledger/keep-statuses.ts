import { setTimeout as sleep } from "node:timers/promises";
import { qualifiedId } from "../../common/boundary-set.ts";
import { KubeError, type Informer, type KubeApi, type KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import type { LedgerStore, Standing } from "../../common/ledger/ledger-store.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { budgetStatus } from "../resources/budget.ts";
import { saysAlready, statusApplication } from "../resources/status.ts";
import type { KnownBudget, KnownBudgets } from "./known-budgets.ts";
import { crossedSince, standingFields, type Crossed, type StandingFields } from "./standing-fields.ts";

export interface StatusDeps {
  /** Fenced: only the leader writes. */
  readonly api: Pick<KubeApi, "apply">;
  readonly budgets: KnownBudgets;
  readonly informer: Pick<Informer, "list">;
  readonly ledger: Pick<LedgerStore, "standings">;
  /** Threads that a budget stopped are not stopped by one that was raised. */
  readonly store: { forgetExhaustion(budget: string): Promise<void> };
  readonly record: (regarding: KubeObject, event: { readonly type: "Normal" | "Warning"; readonly reason: string; readonly action: string; readonly note: string }) => void;
  readonly log: Log;
}

/** How far behind a status may be, in milliseconds. */
const INTERVAL_MS = 30_000;
/** Of one Budget: more counts than that are for metrics. */
const STANDINGS_LIMIT = 10_000;

/** Keeps what Budgets say of their spending, until the signal aborts. Never rejects for what the ledger or the API server says: the next turn tries again. */
export async function keepBudgetStatuses(deps: StatusDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await writeBudgetStatuses(deps, signal).catch((error: unknown) => {
      if (!signal.aborted) deps.log.warn("budgets.untold", { error: describeError(error) });
    });
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** One turn: statuses that changed, and an Event for each threshold that was passed. @returns how many were written @throws LedgerUnavailable, KubeError */
export async function writeBudgetStatuses(deps: StatusDeps, signal: AbortSignal): Promise<number> {
  let written = 0;
  for (const object of deps.informer.list()) {
    signal.throwIfAborted();
    const budget = deps.budgets.find(qualifiedId(object.metadata.namespace ?? "", object.metadata.name));
    if (budget === null) continue;
    const standings = await deps.ledger.standings({ budget: budget.id, limit: STANDINGS_LIMIT });
    if (await writeOne(deps, { object, budget, standings }, signal)) written += 1;
  }
  return written;
}

interface Told {
  readonly object: KubeObject;
  readonly budget: KnownBudget;
  readonly standings: readonly Standing[];
}

async function writeOne({ api, record, store }: StatusDeps, { object, budget, standings }: Told, signal: AbortSignal): Promise<boolean> {
  const before = fieldsBefore(object);
  const fields = standingFields(budget, standings);
  // An apply takes away what it does not say: a window without an end, a threshold that waits no more.
  if (saysAlready(object, fields) && Object.keys(before).every((field) => field in fields)) return false;
  const { object: status, options } = statusApplication(TYPES.budgets, object, { owner: "ledger", fields });
  try {
    await api.apply(TYPES.budgets, status, options, signal);
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return false;
    throw error;
  }
  if ((before.percent ?? 0) > (fields.percent ?? 0)) await store.forgetExhaustion(budget.id);
  for (const crossed of crossedSince(before, fields, budget.thresholds.map(({ percent }) => percent))) record(object, eventOf(budget, crossed));
  return true;
}

/** What the status said before; nothing if it is not understood. */
function fieldsBefore({ status }: KubeObject): StandingFields {
  const { limit, spent, reserved, percent, windowEnd, waitsForApproval, counts } = budgetStatus.partial().safeParse(status).data ?? {};
  const said = { limit, spent, reserved, percent, windowEnd, waitsForApproval, counts };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function eventOf({ thresholds, meter }: KnownBudget, { of, percent, fields }: Crossed): Parameters<StatusDeps["record"]>[1] {
  const isWaiting = thresholds.some((threshold) => threshold.percent === percent && threshold.action === "ask");
  const unit = meter === "usd" ? "dollars" : meter.replaceAll("-", " ");
  const whose = of === "all" ? "" : ` of ${of}`;
  const what = `${percent} % are spent${whose}: ${fields.spent} of ${fields.limit} ${unit}${isWaiting ? "; it waits for a person" : ""}`;
  return { type: percent >= 100 || isWaiting ? "Warning" : "Normal", reason: percent >= 100 ? "BudgetExhausted" : `BudgetAt${percent}Percent`, action: isWaiting ? "Waiting" : "Counting", note: what };
}
