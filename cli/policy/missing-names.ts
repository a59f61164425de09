import { nearNames } from "../../common/near-names.ts";
import type { PolicyNames } from "../../proxy/operator.ts";
import type { WeirConfig } from "../config.ts";

/** Grants and budgets that a policy names and the configuration does not have, one line each: such requests are refused when they come. */
export function missingNames({ grants, budgets }: Pick<WeirConfig, "grants" | "budgets">, named: PolicyNames): string[] {
  return [...missing("grant", named.grants, Object.keys(grants)), ...missing("budget", named.budgets, Object.keys(budgets.named))];
}

function missing(kind: string, wanted: readonly string[], known: readonly string[]): string[] {
  return wanted.filter((name) => !known.includes(name)).map((name) => {
    const [near] = nearNames(name, known);
    return `the policy names the ${kind} ${name}, which the configuration does not have; ${near === undefined ? "such requests are refused" : `did you mean ${near}?`}`;
  });
}
