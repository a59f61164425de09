import { qualifiedId } from "../../common/boundary-set.ts";
import type { Informer } from "../../common/kube/kube-api.ts";
import { parseAmount } from "../../common/meters.ts";
import { boundaryBudget } from "../../proxy/operator.ts";
import type { KnownBudget, KnownBudgets } from "../ledger/known-budgets.ts";
import { judgeBudgets } from "./budgets.ts";
import type { BoundaryConfig } from "./config.ts";
import { seenBudgets } from "./resources.ts";

/** The budgets that are in force by what an informer holds now, judged as the boundary judges them; read again after a change. */
export function openBudgetBook(informer: Pick<Informer, "list" | "onChange">, installation: BoundaryConfig["budgets"]): KnownBudgets {
  let known: ReadonlyMap<string, KnownBudget> | null = null;
  informer.onChange(() => { known = null; });
  const current = (): ReadonlyMap<string, KnownBudget> => {
    known ??= readBook(informer, installation);
    return known;
  };
  return {
    find: (id) => current().get(id) ?? null,
    all: () => [...current().values()].sort((one, other) => (one.id < other.id ? -1 : 1)),
  };
}

function readBook(informer: Pick<Informer, "list">, installation: BoundaryConfig["budgets"]): ReadonlyMap<string, KnownBudget> {
  const seen = seenBudgets(informer.list());
  const verdicts = judgeBudgets(seen, installation);
  const ofNamespaces = seen.flatMap(({ key, object: { metadata: { namespace = "", name } } }) => {
    const verdict = verdicts.get(key);
    return verdict?.isAccepted === true ? [knownBudget(verdict.value, { id: qualifiedId(namespace, name), namespace, name })] : [];
  });
  const own = Object.entries(installation).map(([name, definition]) => knownBudget(definition, { id: name, namespace: null, name }));
  return new Map([...ofNamespaces, ...own].map((budget) => [budget.id, budget]));
}

function knownBudget(definition: unknown, whose: Pick<KnownBudget, "id" | "namespace" | "name">): KnownBudget {
  const { meter, limit, window, timezone, per, parent = null, thresholds } = boundaryBudget.parse(definition);
  const amount = parseAmount(meter, String(limit));
  if (amount === null) throw new Error(`budget ${whose.id} has a limit that its schema does not let through`);
  return { ...whose, meter, limit: amount, window, timezone, per: window === "thread" ? "thread" : per, parent, thresholds };
}
