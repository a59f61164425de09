import type { MeterName } from "./config.ts";

interface Child {
  readonly meter: MeterName;
  readonly parent?: string | null | undefined;
}

/**
 * What is wrong with the parents that budgets name: unknown, of another meter, or a circle.
 * @returns a sentence for each budget with a problem of its own; those below it are not named
 */
export function parentProblems(budgets: ReadonlyMap<string, Child>): ReadonlyMap<string, string> {
  const problems = new Map<string, string>();
  for (const [id, { meter, parent }] of budgets) {
    if (parent === undefined || parent === null) continue;
    const above = budgets.get(parent);
    if (above === undefined) problems.set(id, `the parent ${parent} does not exist`);
    else if (above.meter !== meter) problems.set(id, `counts ${meter}, its parent ${parent} counts ${above.meter}`);
    else if (isOwnAncestor(id, budgets)) problems.set(id, `is its own ancestor, by way of ${parent}`);
  }
  return problems;
}

function isOwnAncestor(id: string, budgets: ReadonlyMap<string, Child>): boolean {
  const seen = new Set<string>();
  for (let at = budgets.get(id)?.parent; at !== undefined && at !== null && !seen.has(at); at = budgets.get(at)?.parent) {
    if (at === id) return true;
    seen.add(at);
  }
  return false;
}
